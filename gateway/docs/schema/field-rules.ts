import type { DescField } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { FieldRules } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { field as fieldOption } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const none = Symbol();
/** Options are decoded each time they are read, and these are read again and again. */
const known = new WeakMap<DescField, FieldRules | typeof none>();

/** The rules that buf.validate states for a field. */
export function fieldRules(field: DescField): FieldRules | undefined {
  let rules = known.get(field);
  if (rules === undefined) {
    rules = hasOption(field, fieldOption) ? getOption(field, fieldOption) : none;
    known.set(field, rules);
  }
  return rules === none ? undefined : rules;
}
