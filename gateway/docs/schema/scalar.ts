import { ScalarType } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { numberValue } from "../rules/number-rules.ts";
import { boolValue, bytesValue } from "../rules/plain-rules.ts";
import { stringValue } from "../rules/string-rules.ts";
import type { Value } from "../rules/value.ts";
import { rulesOf } from "../rules/value.ts";

export function scalarValue(scalar: ScalarType, rules: FieldRules | undefined, hint: string): Value {
  if (scalar === ScalarType.BOOL) return boolValue(rulesOf(rules, "bool"));
  if (scalar === ScalarType.BYTES) return bytesValue(rulesOf(rules, "bytes"));
  return numberValue(scalar, rules) ?? stringValue(rulesOf(rules, "string"), hint);
}
