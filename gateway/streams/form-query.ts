import type { EdgeRoute } from "../edge/route.ts";
import { stringField } from "./event-id.ts";
import { safeFileName } from "./file-name.ts";
import type { Form } from "./form.ts";

/**
 * A form's fields say the same as parameters of a query would, so they go the
 * same way. Where the request has a `filename` that nobody set, it is that of
 * the file.
 */
export function formQuery(route: EdgeRoute, query: string, { fields, file }: Form): string {
  const parts = query === "" ? [] : [query];
  for (const [name, value] of fields) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  const filename = safeFileName(file.filename);
  if (filename !== "" && takesName(route) && !isNamed(query, fields)) {
    parts.push(`filename=${encodeURIComponent(filename)}`);
  }
  return parts.join("&");
}

function takesName({ binding, method }: EdgeRoute): boolean {
  if (binding.body === "*" || !stringField(method.desc.input, "filename")) return false;
  return !binding.variables.some(({ fields }) => fields.length === 1 && fields[0]?.name === "filename");
}

const isNamed = (query: string, fields: Form["fields"]): boolean =>
  fields.some(([name]) => name === "filename") || new URLSearchParams(query).has("filename");
