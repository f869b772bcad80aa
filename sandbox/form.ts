/** What a form carries: `a[b]=c` is `{ a: { b: "c" } }`, `a[0]=c` a list's first. */
export type Form = { [name: string]: string | Form };

const mostDepth = 8;

/** Reads a body as Stripe's API takes it. */
export function parseForm(text: string): Form {
  const form: Form = {};
  for (const [key, value] of new URLSearchParams(text)) put(form, key, value);
  return form;
}

function put(form: Form, key: string, value: string) {
  const path = key.split(/\[|\]\[|\]/).filter((part) => part !== "");
  if (path.length === 0 || path.length > mostDepth || path.some((part) => part === "__proto__")) return;
  let at = form;
  for (const part of path.slice(0, -1)) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined;
    const into: Form = typeof next === "object" ? next : {};
    at[part] = into;
    at = into;
  }
  at[path.at(-1) ?? ""] = value;
}

export const textAt = (form: Form, name: string): string => {
  const value = form[name];
  return typeof value === "string" ? value : "";
};

export const formAt = (form: Form, name: string): Form => {
  const value = form[name];
  return typeof value === "object" ? value : {};
};

/** Texts only, as `metadata` has them. */
export const textsAt = (form: Form, name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(formAt(form, name)).filter((it): it is [string, string] => typeof it[1] === "string"),
  );
