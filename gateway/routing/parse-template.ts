import { fail } from "#mesh";
import type { Segment, Template, Variable } from "./template.ts";

/** A contract could otherwise have us keep anything; a path has no more segments either. */
const mostChars = 2048;
export const mostSegments = 128;

/** RFC 3986 §3.3 pchar, but for what the grammar has another use for. Other text is written percent-encoded. */
const literalForm = /^(?:[A-Za-z0-9\-._~!$&'()+,;=:@]|%[0-9A-Fa-f]{2})+$/;
const identForm = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Parses a template by the grammar of google.api.HttpRule. Literals are decoded,
 * as the paths they are compared with will be. Throws `bad_template` with what
 * is wrong, and where.
 */
export function parseTemplate(text: string): Template {
  if (text.length > mostChars) throw refusal(text, `is longer than ${mostChars} characters`, mostChars);
  if (!text.startsWith("/")) throw refusal(text, 'does not begin with "/"', 0);
  const colon = verbColon(text);
  const end = colon < 0 ? text.length : colon;
  const verb = colon < 0 ? "" : literal(text, colon + 1, text.length, "the verb");
  const segments: Segment[] = [];
  const variables: Variable[] = [];
  for (let at = 0; at < end; ) {
    const from = at + 1;
    if (text[from] === "{") at = variable(text, from, end, segments, variables);
    else {
      const slash = text.indexOf("/", from);
      at = slash < 0 || slash > end ? end : slash;
      segments.push(segment(text, from, at));
    }
  }
  const rest = segments.findIndex(({ kind }) => kind === "rest");
  if (rest >= 0 && rest < segments.length - 1)
    throw refusal(text, 'has "**" before its end', text.indexOf("**"));
  if (segments.length > mostSegments)
    throw refusal(text, `has more than ${mostSegments} segments`, text.length);
  return { text, segments, verb, variables };
}

/** The last colon of the last segment; one within a variable is part of its literal. */
function verbColon(text: string): number {
  const colon = text.lastIndexOf(":");
  return colon > Math.max(text.lastIndexOf("/"), text.lastIndexOf("}")) ? colon : -1;
}

/** Gives where the variable ends. */
function variable(text: string, open: number, end: number, segments: Segment[], variables: Variable[]) {
  const close = text.indexOf("}", open);
  if (close < 0 || close >= end) throw refusal(text, 'has a "{" without its "}"', open);
  const equals = text.indexOf("=", open);
  const hasSegments = equals >= 0 && equals < close;
  const path = text.slice(open + 1, hasSegments ? equals : close);
  if (!path.split(".").every((it) => identForm.test(it)))
    throw refusal(text, `names "${path}", which is not a field`, open + 1);
  if (variables.some((it) => it.path === path)) throw refusal(text, `sets ${path} twice`, open + 1);
  const first = segments.length;
  if (!hasSegments) segments.push({ kind: "one" });
  for (let at = hasSegments ? equals : close; at < close; ) {
    const from = at + 1;
    const slash = text.indexOf("/", from);
    at = slash < 0 || slash > close ? close : slash;
    segments.push(segment(text, from, at));
  }
  const after = close + 1;
  if (after < end && text[after] !== "/")
    throw refusal(text, "has text behind a variable, in the same segment", after);
  const multi = segments.length - first > 1 || segments[first]?.kind === "rest";
  variables.push({ path, first, end: segments.length, multi });
  return after;
}

function segment(text: string, from: number, end: number): Segment {
  const part = text.slice(from, end);
  if (part === "*") return { kind: "one" };
  if (part === "**") return { kind: "rest" };
  return { kind: "literal", text: literal(text, from, end, "a segment") };
}

function literal(text: string, from: number, end: number, what: string): string {
  const raw = text.slice(from, end);
  if (raw === "") throw refusal(text, `has nothing where ${what} should be`, from);
  if (raw.includes("{")) throw refusal(text, "has a variable that is not a whole segment", from);
  if (!literalForm.test(raw))
    throw refusal(text, `has "${raw}", which must be percent-encoded or is misplaced`, from);
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    throw refusal(text, `has "${raw}", which is not UTF-8 when decoded`, from);
  }
  if (decoded === "." || decoded === "..") throw refusal(text, `has "${raw}", which no path may have`, from);
  return decoded;
}

function refusal(text: string, what: string, at: number): Error {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return fail.invalid("bad_template", `the path "${shown}" ${what} (character ${at + 1})`, {
    remedy: "correct it in the option google.api.http",
  });
}
