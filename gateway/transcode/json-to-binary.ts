import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { planOf } from "./input-plan.ts";
import { JsonReader } from "./json-reader.ts";
import { ofJson, refusal, utf8Body } from "./refusal.ts";
import { WireOutput } from "./wire-output.ts";

const out = new WireOutput();
const reader = new JsonReader(out);

/** Makes the reader of the JSON of one message, as of a stream. */
export function jsonToBinary(
  schema: DescMessage,
  registry: Registry,
): (json: Uint8Array | string) => Uint8Array<ArrayBuffer> {
  const plan = planOf(schema);
  return (json) => {
    const source = typeof json === "string" ? ofText(json) : utf8Body(json);
    out.reset();
    try {
      reader.readMessage(source, plan, registry);
    } catch (error) {
      throw ofJson(error, source);
    }
    return out.taken();
  };
}

function ofText(json: string): Buffer {
  if (!json.isWellFormed()) throw refusal("bad_json", "body", "", "has half of a surrogate pair");
  return Buffer.from(json);
}
