import type { Query } from "#mesh";
import { nearest } from "./language.ts";
import { noTemplate, tooLong, variablesMissing, variablesUnknown } from "./refusals.ts";
import type { Rendered, Variables, Variant } from "./template-text.ts";
import { render, renderedLengths, variablesOf } from "./template-text.ts";
import { findTemplate } from "./templates-store.ts";
import { clip, oneLine } from "./text.ts";

export type Content =
  | { readonly kind: "words"; readonly subject: string; readonly text: string }
  | { readonly kind: "template"; readonly name: string; readonly variables: Variables }
  /** Of the platform itself: variables that its template leaves out are none of an error. */
  | {
      readonly kind: "built_in";
      readonly name: string;
      readonly variables: (locale: string) => Variables;
    };

const mostChars = { subject: 500, text: 50_000, html: 250_000 };

/** What a user is told, in the user's language. */
export async function write(query: Query, content: Content, locale: string): Promise<Rendered> {
  if (content.kind === "words") {
    return { subject: oneLine(content.subject), text: content.text, html: "" };
  }
  const template = await findTemplate(query, content.name);
  if (!template) throw noTemplate(content.name);
  if (content.kind === "built_in") {
    return fill(template.variants, locale, content.variables(locale), { lenient: true });
  }
  return fill(template.variants, locale, content.variables);
}

export function fill(
  variants: readonly Variant[],
  locale: string,
  variables: Variables,
  { lenient = false } = {},
): Rendered & { readonly language: string } {
  const variant = nearest(variants, locale);
  if (!variant) throw noTemplate("");
  const missing = variablesOf(variant).filter((name) => !Object.hasOwn(variables, name));
  if (missing.length > 0) throw variablesMissing(missing);
  const known = new Set(variablesOf(...variants));
  const unknown = Object.keys(variables).filter((name) => !known.has(name));
  if (!lenient && unknown.length > 0) throw variablesUnknown(unknown.sort());
  // Before it is written: a variable may stand in it ten thousand times.
  const { text: textChars, html: htmlChars } = renderedLengths(variant, variables);
  if (textChars > mostChars.text || htmlChars > mostChars.html) throw tooLong();
  const { subject, text, html } = render(variant, variables);
  return { language: variant.language, subject: clip(oneLine(subject), mostChars.subject), text, html };
}
