import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, violationsToProto } from "@bufbuild/protovalidate";
import { fail } from "../errors.ts";
import { wordsOf } from "./violation-words.ts";

const validator = createValidator();

/** Holds a message to the rules of its contract; the error names each field and what is wrong with it. */
export function validate(schema: DescMessage, message: Message): void {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return;
  if (result.kind === "error") {
    throw fail.internal("bad_rule", `a rule of ${schema.typeName} cannot be applied`, {
      cause: result.error,
    });
  }
  const { violations } = result;
  for (const violation of violations) violation.message = wordsOf(violation);
  const text = violations.map(({ field, message }) => `${pathToString(field)}: ${message}`).join("; ");
  const [value, desc] = violationsToProto(violations);
  throw fail.invalid("contract_violation", text, { details: [{ desc, value }] });
}
