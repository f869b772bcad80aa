import type { DescMessage, Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import type { Violation } from "@bufbuild/protovalidate";
import { createValidator, violationsToProto } from "@bufbuild/protovalidate";
import { fail } from "../errors.ts";
import { cut, told, unnamed } from "./told-violations.ts";
import { hasFewValues } from "./value-count.ts";
import { wordsOf } from "./violation-words.ts";

/** Ends at the first thing that is wrong: in a long list there may be as many as it has items. */
const quick = createValidator({ failFast: true });
const thorough = createValidator();

/** Messages with more are told the first thing that is wrong, and no more. */
const mostValues = 1000;

/** Holds a message to the rules of its contract; the error names each field and what is wrong with it. */
export function validate(schema: DescMessage, message: Message): void {
  const first = violationsOf(quick, schema, message);
  if (first.length === 0) return;
  const all = hasFewValues(schema, message, mostValues) ? violationsOf(thorough, schema, message) : first;
  const shown = told(all);
  for (const violation of shown) violation.message = wordsOf(violation);
  // This goes into logs, and the details to the caller alone.
  const text = shown
    .map(({ field, message }) => cut(`${pathToString(unnamed(field))}: ${message}`))
    .join("; ");
  const more = all.length - shown.length;
  const [value, desc] = violationsToProto(shown);
  throw fail.invalid("contract_violation", more > 0 ? `${text}; and ${more} more` : text, {
    details: [{ desc, value }],
  });
}

function violationsOf(validator: typeof quick, schema: DescMessage, message: Message): readonly Violation[] {
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return [];
  if (result.kind === "invalid") return result.violations;
  throw fail.internal("bad_rule", `a rule of ${schema.typeName} cannot be applied`, { cause: result.error });
}
