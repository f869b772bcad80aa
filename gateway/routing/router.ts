import type { RequestPath } from "./request-path.ts";
import { createRequestPath, decodeKeepingSlashes, decodeSegment, isDot, readPath } from "./request-path.ts";
import type { Template, Variable } from "./template.ts";
import type { Leaf } from "./trie.ts";
import { createTrie } from "./trie.ts";

export interface Route<T> {
  /** As on the request line, or `*` for every verb that no other route of the same shape has. */
  readonly verb: string;
  readonly template: Template;
  readonly value: T;
}

export interface Match<T> {
  readonly value: T;
  /** In the order of the template's variables, decoded. */
  readonly captures: readonly string[];
}

export interface Router<T> {
  /**
   * The route of a request, by its raw path without the query. HEAD is served
   * by GET where it is not declared itself. Throws `bad_encoding` and
   * `path_too_long`, of which HTTP calls the latter 414.
   */
  match(verb: string, path: string): Match<T> | undefined;
  /** Which verbs a path may be asked with, sorted, for 405 and OPTIONS; `*` is any, none is nothing here. */
  verbs(path: string): readonly string[];
}

const none: readonly string[] = Object.freeze([]);
const colon = 58;

/**
 * Routes by a trie over the segments of the raw path: a literal before `*`
 * before `**`, and back when a way leads nowhere. A `:verb` at the end is tried
 * first, then the colon as part of the segment. Of two routes for the same
 * requests the first is taken; `findConflicts` tells of them.
 */
export function createRouter<T>(routes: readonly Route<T>[]): Router<T> {
  const trie = createTrie<T>();
  const suffixes = new Set<string>();
  for (const { verb, template, value } of routes) {
    trie.add(verb, template, value);
    if (template.verb !== "") suffixes.add(template.verb);
  }
  // One for all requests: nothing of it is kept beyond a call.
  const parts = createRequestPath();

  return {
    match(verb, path) {
      if (!readPath(parts, path)) return undefined;
      if (suffixes.size > 0) {
        const suffix = suffixOf(parts);
        if (suffixes.has(suffix) && cutSuffix(parts)) {
          const leaf = trie.find(parts, suffix, verb);
          if (leaf) return matchOf(leaf, parts);
          joinSuffix(parts);
        }
      }
      const leaf = trie.find(parts, "", verb);
      return leaf && matchOf(leaf, parts);
    },
    verbs(path) {
      if (!readPath(parts, path)) return none;
      const found = new Set<string>();
      const suffix = suffixOf(parts);
      if (suffixes.has(suffix) && cutSuffix(parts)) {
        trie.collect(parts, suffix, found);
        joinSuffix(parts);
      }
      trie.collect(parts, "", found);
      if (found.has("GET")) found.add("HEAD");
      return [...found].sort();
    },
  };
}

/** Where the last colon of the last segment is; one that is encoded does not count. */
function suffixAt({ path, count, starts }: RequestPath): number {
  const start = starts[count - 1] ?? 0;
  for (let at = path.length - 1; count > 0 && at >= start; at--) {
    if (path.charCodeAt(at) === colon) return at;
  }
  return -1;
}

function suffixOf(parts: RequestPath): string {
  const at = suffixAt(parts);
  if (at < 0) return "";
  const raw = parts.path.slice(at + 1);
  return parts.encoded ? decodeSegment(raw) : raw;
}

/** Takes the suffix from the last segment. False when what is left is no segment a path may have. */
function cutSuffix(parts: RequestPath): boolean {
  const last = parts.count - 1;
  return setLast(parts, last, suffixAt(parts));
}

const joinSuffix = (parts: RequestPath): boolean => setLast(parts, parts.count - 1, parts.path.length);

function setLast(parts: RequestPath, last: number, end: number): boolean {
  const raw = parts.path.slice(parts.starts[last], end);
  const text = parts.encoded ? decodeSegment(raw) : raw;
  if (isDot(text)) return false;
  parts.texts[last] = text;
  parts.ends[last] = end;
  return true;
}

function matchOf<T>({ template, value }: Leaf<T>, parts: RequestPath): Match<T> {
  const { variables, segments } = template;
  if (variables.length === 0) return { value, captures: none };
  const captures: string[] = [];
  for (const variable of variables) {
    captures.push(capture(variable, segments.length, parts));
  }
  return { value, captures };
}

function capture({ first, end, multi }: Variable, segments: number, parts: RequestPath): string {
  if (!multi) return parts.texts[first] ?? "";
  // What ends with the template ends with the path: only there may a `**` stand for more or less.
  const last = (end === segments ? parts.count : end) - 1;
  if (last < first) return "";
  const raw = parts.path.slice(parts.starts[first], parts.ends[last]);
  return parts.encoded ? decodeKeepingSlashes(raw) : raw;
}
