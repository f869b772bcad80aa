/**
 * Directives of a `cache-control` header (RFC 9111 §5.2), names in small
 * letters; those that have no value have an empty one.
 */
export function directivesOf(header: string): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const part of header.slice(0, longest).split(",")) {
    const [name = "", value = ""] = part.split("=", 2);
    directives.set(name.trim().toLowerCase(), value.trim().replaceAll('"', ""));
  }
  return directives;
}

/** The rest of a longer header is not looked at. */
const longest = 1024;

/** Whether a new answer is asked for, a kept one will do, or nothing is to be kept at all. */
export type Wish = "any" | "fresh" | "none";

/** What the `cache-control` of a request asks for (RFC 9111 §5.2.1). */
export function wishOf(header: string | undefined): Wish {
  if (header === undefined) return "any";
  const directives = directivesOf(header);
  if (directives.has("no-store")) return "none";
  // A browser that loads a page again asks so.
  return directives.has("no-cache") || directives.get("max-age") === "0" ? "fresh" : "any";
}
