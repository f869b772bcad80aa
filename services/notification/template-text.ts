/** One language of a template. */
export interface Variant {
  readonly language: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface Rendered {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export type Variables = Readonly<Record<string, string>>;

const placeholder = /\{\{\s*([a-z][a-z0-9_]{0,62})\s*\}\}/g;

/** Names of the variables in it, in the order of the alphabet. */
export const variablesOf = (...variants: readonly Variant[]): string[] =>
  [
    ...new Set(
      variants.flatMap(({ subject, text, html }) =>
        [subject, text, html].flatMap((part) => [...part.matchAll(placeholder)].map(([, name = ""]) => name)),
      ),
    ),
  ].sort();

/** Whether all braces in pairs are those of variables: others are slips that users would see. */
export const isWellFormed = ({ subject, text, html }: Variant): boolean =>
  [subject, text, html].every((part) => !/\{\{|\}\}/.test(part.replaceAll(placeholder, "")));

/** With its variables, all of which must be given. */
export function render({ subject, text, html }: Variant, variables: Variables): Rendered {
  const fill = (part: string, write: (value: string) => string) =>
    part.replaceAll(placeholder, (_, name: string) => write(variables[name] ?? ""));
  return { subject: fill(subject, asIs), text: fill(text, asIs), html: fill(html, escapeHtml) };
}

/** How long its parts become with these variables. */
export function renderedLengths(
  { text, html }: Variant,
  variables: Variables,
): { readonly text: number; readonly html: number } {
  const lengthOf = (part: string, write: (value: string) => string) => {
    const lengths = new Map(Object.entries(variables).map(([name, value]) => [name, write(value).length]));
    let length = part.length;
    for (const [given, name = ""] of part.matchAll(placeholder)) {
      length += (lengths.get(name) ?? 0) - given.length;
    }
    return length;
  };
  return { text: lengthOf(text, asIs), html: lengthOf(html, escapeHtml) };
}

const asIs = (value: string) => value;

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export const escapeHtml = (value: string): string => value.replaceAll(/[&<>"']/g, (it) => entities[it] ?? it);
