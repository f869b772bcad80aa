import { formatSamples } from "../rules/formats.ts";

const byEnding: readonly (readonly [RegExp, string])[] = [
  [/(^|_)id$/, "uuid"],
  [/(^|_)email$/, "email"],
  [/(^|_)(url|uri|link)$/, "uri"],
  [/(^|_)ip(_address)?$/, "ipv4"],
];

/** What a text field may hold, going by its name: what its rules do not say, an example still should. */
export function hintOf(name: string): string {
  const format = byEnding.find(([ending]) => ending.test(name))?.[1];
  return (format && formatSamples[format]?.[0]) || name.replaceAll("_", " ").trim() || "text";
}
