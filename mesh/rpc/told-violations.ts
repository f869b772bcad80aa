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

/** Keys of a map that is not to be seen in logs are not, either. */
export const unnamed = (path: Path): Path =>
  path.map((part, at) => {
    const map = path[at - 1];
    const isHidden = map?.kind === "field" && map.proto.options?.debugRedact;
    return isHidden && part.kind === "map_sub" ? { ...part, key: "…" } : part;
  });

export const cut = (text: string, most = mostChars): string =>
  text.length > most ? `${text.slice(0, most)}…` : text;

const readable = (path: Path): Path =>
  path.map((part) =>
    part.kind === "map_sub" && typeof part.key === "string"
      ? { ...part, key: cut(part.key, mostKeyChars) }
      : part,
  );
