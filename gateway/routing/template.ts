/** One segment of a path, as a template has it. */
export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  /** `*`: exactly one segment. */
  | { readonly kind: "one" }
  /** `**`: none or more, and always the last. */
  | { readonly kind: "rest" };

/** A part of the path that sets a field of the request. */
export interface Variable {
  /** As in the rule: `book.shelf_id`. */
  readonly path: string;
  /** Index of its first segment. */
  readonly first: number;
  /** Index behind its last segment. */
  readonly end: number;
  /** May hold slashes: it covers several segments, or `**`. */
  readonly multi: boolean;
}

/** A path template of google.api.http, parsed. */
export interface Template {
  readonly text: string;
  readonly segments: readonly Segment[];
  /** What follows the last colon, or nothing. */
  readonly verb: string;
  readonly variables: readonly Variable[];
}
