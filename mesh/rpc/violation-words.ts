import type { DescEnum, DescField } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";
import type { Violation } from "@bufbuild/protovalidate";
import { form } from "#gen/mesh/v1/options_pb.js";

/** What is wrong with a value, for people: they know neither numbers of enums nor patterns. */
export function wordsOf({ field: path, ruleId, message }: Violation): string {
  const last = path.at(-1);
  if (last?.kind === "oneof" && ruleId === "required") {
    return `one of ${last.fields.map(({ name }) => name).join(", ")} must be given`;
  }
  const field = fieldOf(path);
  if (ruleId === "string.pattern" && field && hasOption(field, form)) {
    return `must be ${getOption(field, form)}`;
  }
  if (!ruleId.startsWith("enum.") || !field?.enum) return message;
  // The library's own words have the numbers that are allowed.
  const listed = ruleId === "enum.in" ? message.match(/-?\d+/g)?.map(Number) : undefined;
  return `must be one of ${namesOf(field.enum, listed).join(", ")}`;
}

/** The field of a value, which may be an item of it. */
function fieldOf(path: Path): DescField | undefined {
  const last = path.findLast((it) => it.kind === "field");
  return last?.kind === "field" ? last : undefined;
}

/** What somebody may mean; the zero value of an enum says that nothing was said (buf's style guide). */
const namesOf = ({ values }: DescEnum, listed: readonly number[] | undefined): string[] =>
  values
    .filter(
      ({ number, name }) => listed?.includes(number) ?? !(number === 0 && name.endsWith("_UNSPECIFIED")),
    )
    .map(({ name }) => name);
