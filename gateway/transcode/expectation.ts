import type { DescEnum } from "@bufbuild/protobuf";
import * as kinds from "./kinds.ts";

const words = new Map<kinds.Kind, string>([
  [kinds.DOUBLE, "a number"],
  [kinds.FLOAT, "a number in the range of a float"],
  [kinds.BOOL, "true or false"],
  [kinds.STRING, "a string"],
  [kinds.BYTES, "a string of base64"],
  [kinds.MESSAGE, "an object"],
  [kinds.TIMESTAMP, "a time as in RFC 3339, like 2026-01-31T08:30:00Z"],
  [kinds.DURATION, "a duration in seconds, like 1.5s"],
  [kinds.FIELD_MASK, "names of fields with commas between them"],
]);

const sizes = new Map<kinds.Kind, string>([
  [kinds.INT32, "-2147483648 to 2147483647"],
  [kinds.SINT32, "-2147483648 to 2147483647"],
  [kinds.SFIXED32, "-2147483648 to 2147483647"],
  [kinds.UINT32, "0 to 4294967295"],
  [kinds.FIXED32, "0 to 4294967295"],
  [kinds.UINT64, "0 to 18446744073709551615"],
  [kinds.FIXED64, "0 to 18446744073709551615"],
]);

/** As many names of an enum as an error lists. */
const mostNames = 20;

/** What an error says was expected. */
export function expectation(kind: kinds.Kind, names?: DescEnum): string {
  if (kind === kinds.ENUM && names !== undefined) {
    const listed = names.values.slice(0, mostNames).map(({ name }) => name);
    return `one of ${listed.join(", ")}${names.values.length > mostNames ? ", …" : ""}`;
  }
  return (
    words.get(kind) ?? `an integer from ${sizes.get(kind) ?? "-9223372036854775808 to 9223372036854775807"}`
  );
}
