import type { Path } from "@bufbuild/protobuf/reflect";
import type { Violation } from "@bufbuild/protovalidate";

/** Nobody reads more, and to tell all of them makes an answer far larger than its request. */
const mostTold = 20;
const mostChars = 500;
const mostKeyChars = 100;

/** Those that are told, their paths no longer than can be read: keys of maps are whatever somebody sends. */
export function told(violations: readonly Violation[]): Violation[] {
  const shown = violations.slice(0, mostTold);
  for (const violation of shown) violation.field = readable(violation.field);
  return shown;
}

export const cut = (text: string, most = mostChars): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

const readable = (path: Path): Path =>
  path.map((part) =>
    part.kind === "map_sub" && typeof part.key === "string"
      ? { ...part, key: cut(part.key, mostKeyChars) }
      : part,
  );
