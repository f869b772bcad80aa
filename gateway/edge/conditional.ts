import { hash } from "node:crypto";

/** Weak, since the same data comes in other encodings and envelopes (RFC 9110 §8.8.1). */
export const etagOf = (data: string | Uint8Array): string =>
  `W/"${hash("sha1", data, "base64url").slice(0, 16)}"`;

/** Does the client have this very answer (RFC 9110 §13.1.2)? Compared weakly, as GET wants it. */
export function hasIt(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  const wanted = opaque(etag);
  return ifNoneMatch.split(",").some((it) => opaque(it.trim()) === wanted);
}

const opaque = (etag: string): string => (etag.startsWith("W/") ? etag.slice(2) : etag);

/** Part of an answer: its first and its last byte. */
export interface Part {
  readonly first: number;
  readonly last: number;
}

/**
 * The one range of bytes that is asked for (RFC 9110 §14.1.2); nothing to give
 * all of it, as for a form that we do not serve, such as several ranges.
 */
export function rangeOf(header: string | undefined, size: number): Part | "unsatisfiable" | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? "") ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last };
}
