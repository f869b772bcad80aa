import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Binding } from "../routing/binding.ts";
import type { Parameter } from "./document.ts";
import { mostQueryDepth, mostQueryParameters } from "./limits.ts";
import { newBudget } from "./schema/budget.ts";
import type { FieldShape, Types, View } from "./schema/field.ts";
import { shapeOf } from "./schema/field.ts";
import { fieldRules } from "./schema/field-rules.ts";
import { fitsInQuery } from "./schema/well-known.ts";

export interface Query {
  readonly parameters: readonly Parameter[];
  /** Some fields are not among them, since there are too many or they nest too deep. */
  readonly cut: boolean;
}

/** A parameter for each field that neither the path nor the body sets, nested ones with dots. */
export function queryOf({ method, variables, body }: Binding, types: Types): Query {
  if (body === "*") return { parameters: [], cut: false };
  const bound = new Set(variables.map(({ fields }) => fields.map(({ name }) => name).join(".")));
  if (body) bound.add(body.name);
  const parameters: Parameter[] = [];
  let cut = false;

  const visit = (
    message: DescMessage,
    prefix: string,
    path: DescMessage[],
    view: View,
    isGiven: boolean,
  ): void => {
    for (const field of message.fields) {
      const name = `${prefix}${field.name}`;
      if (bound.has(name)) continue;
      if (parameters.length >= mostQueryParameters) {
        cut = true;
        return;
      }
      const inner = field.fieldKind === "message" && !fitsInQuery(field.message) ? field.message : undefined;
      if (!inner && !isLeaf(field)) continue;
      const shape = shapeOf(field, view, types);
      if (!inner) {
        parameters.push(parameterOf(name, shape, isGiven));
        continue;
      }
      if (isFree(inner)) continue;
      // Recursive types go on for ever; nobody writes them into a query.
      if (path.includes(inner) || path.length > mostQueryDepth) {
        cut = true;
        continue;
      }
      const checked = view.checked && fieldRules(field)?.ignore !== Ignore.ALWAYS;
      visit(inner, `${name}.`, [...path, inner], { checked, without: [] }, isGiven && shape.needed);
    }
  };
  visit(method.input, "", [method.input], { checked: true, without: [] }, true);
  return { parameters, cut };
}

/** Single values and lists of them. */
const isLeaf = (field: DescField): boolean =>
  field.fieldKind !== "map" && (field.message === undefined || fitsInQuery(field.message));

const isFree = ({ typeName }: DescMessage): boolean =>
  typeName === "google.protobuf.Any" ||
  typeName === "google.protobuf.Struct" ||
  typeName === "google.protobuf.Value" ||
  typeName === "google.protobuf.ListValue";

function parameterOf(name: string, shape: FieldShape, isGiven: boolean): Parameter {
  const { description, deprecated, ...schema } = shape.schema;
  const required = isGiven && shape.needed;
  // An example fills in the field of a form, which for a filter would be a nuisance.
  const [example] = required ? shape.examples(newBudget()) : [];
  return {
    name,
    in: "query",
    ...(required && { required }),
    ...(typeof description === "string" && { description }),
    ...(deprecated === true && { deprecated }),
    ...(shape.field.fieldKind === "list" && { style: "form", explode: true }),
    schema,
    ...(example !== undefined && { example }),
  };
}
