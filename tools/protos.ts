/**
 * Writes the one third-party contract that npm carries only as a descriptor,
 * so that `buf` finds it as source. The other contracts are read by `buf.yaml`
 * straight from the packages that carry them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { file_buf_validate_validate as validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProto } from "./print-proto.ts";

const target = join(import.meta.dirname, "..", ".weft", "proto", `${validate.name}.proto`);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, printProto(validate));
