/** `CreateOrder` → `Create order`. */
export function spaced(name: string): string {
  const words = name
    .replaceAll("_", " ")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The first sentence of a comment, on one line and without its full stop. */
export function firstSentence(text: string): string {
  const [line = ""] = text.replace(/\s+/g, " ").split(/(?<=[.!?]) /, 1);
  return line.replace(/\.$/, "").slice(0, 160);
}

/** `a`, `b` and `c`, as code. */
export function listed(names: readonly string[], last: "and" | "or" = "and"): string {
  const quoted = names.map((it) => `\`${it}\``);
  const end = quoted.pop() ?? "";
  return quoted.length === 0 ? end : `${quoted.join(", ")} ${last} ${end}`;
}

/** 90000 → `90 s`; 1500 → `1.5 s`; 250 → `250 ms`. */
export const inWords = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

/** Sentences in a row, each with its full stop; nothing when there are none. */
export function sentences(parts: readonly (string | undefined)[]): string | undefined {
  const given = parts.filter((it) => it !== undefined && it !== "");
  return given.length > 0 ? given.join(" ") : undefined;
}
