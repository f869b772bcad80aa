import type { Segment, Template } from "./template.ts";

/** What two templates have in common when they match the same paths with the same precedence. */
export function shapeOf({ segments, verb }: Template): string {
  return `${segments.map((it) => `/${segmentShape(it)}`).join("")}:${escapeText(verb)}`;
}

function segmentShape(segment: Segment): string {
  if (segment.kind === "literal") return escapeText(segment.text);
  return segment.kind === "one" ? "*" : "**";
}

/** So that a literal star is told from a wildcard. */
const escapeText = (text: string): string => encodeURIComponent(text).replaceAll("*", "%2A");

const rank = { literal: 0, one: 1, rest: 3 } as const;
/** A template that ends comes before one that goes on with `**`. */
const endRank = 2;

/**
 * Which of two templates that match the same path is the one: the one whose
 * verb stands in the path, then the one that is more definite at the first
 * segment in which they differ. Below zero: the first.
 */
export function comparePrecedence(a: Template, b: Template): number {
  if ((a.verb === "") !== (b.verb === "")) return a.verb === "" ? 1 : -1;
  const most = Math.max(a.segments.length, b.segments.length);
  for (let i = 0; i < most; i++) {
    const [left, right] = [a.segments[i], b.segments[i]];
    const difference = (left ? rank[left.kind] : endRank) - (right ? rank[right.kind] : endRank);
    if (difference !== 0) return difference;
  }
  return 0;
}
