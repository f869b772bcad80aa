import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Binding, BoundVariable } from "../routing/binding.ts";
import { libraryMethod } from "./library-contract.ts";

/** The fields of a dotted path. */
function fieldsOf(desc: DescMessage, path: string): DescField[] {
  let message: DescMessage | undefined = desc;
  return path.split(".").map((name) => {
    const field: DescField | undefined = message?.fields.find((it) => it.name === name);
    if (field === undefined) throw new Error(`${message?.typeName} has no field ${name}`);
    message = field.message;
    return field;
  });
}

export interface TestBinding {
  method?: string;
  verb?: string;
  /** Paths of the fields that the template sets. */
  variables?: readonly string[];
  body?: string;
  responseBody?: string;
}

/** A binding as the parser of rules would make it; the template itself is not looked at. */
export function libraryBinding({ method = "GetBook", verb = "POST", ...more }: TestBinding = {}): Binding {
  const desc = libraryMethod(method);
  const { variables = [], body, responseBody } = more;
  const bound = variables.map(
    (path): BoundVariable => ({ fields: fieldsOf(desc.input, path), multi: false }),
  );
  return {
    method: desc,
    service: "library",
    verb,
    template: { text: "/v1/test", segments: [], verb: "", variables: [] },
    variables: bound,
    body: body === undefined || body === "*" ? body : fieldsOf(desc.input, body)[0],
    responseBody: responseBody === undefined ? undefined : fieldsOf(desc.output, responseBody)[0],
  };
}
