import type { Binding, BoundVariable } from "../routing/binding.ts";
import type { Template } from "../routing/template.ts";
import type { Parameter } from "./document.ts";
import { newBudget } from "./schema/budget.ts";
import type { FieldShape, Types } from "./schema/field.ts";
import { shapeOf } from "./schema/field.ts";

/** A path of the document before its parameters have their names. */
export interface DocumentPath {
  /** The same for all templates that OpenAPI takes for the same path. */
  readonly shape: string;
  /** With these names for the parameters. */
  readonly text: (names: readonly string[]) => string;
  /** In the order of the path. */
  readonly parameters: readonly Parameter[];
}

/**
 * A template as OpenAPI has paths. It knows only parameters of one segment, so
 * a variable that covers several becomes its literals and a parameter for each
 * wildcard in it; the last of them may hold slashes if it is `**`.
 */
export function pathOf(binding: Binding, types: Types): DocumentPath {
  const { segments, verb, variables } = binding.template;
  const names = new Set(variables.map(({ path }) => path));
  const parts: (string | undefined)[] = [];
  const parameters: Parameter[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === "literal") {
      parts.push(segment.text);
      continue;
    }
    parts.push(undefined);
    const owner = variables.findIndex(({ first, end }) => first <= index && index < end);
    const bound = binding.variables[owner];
    const isRest = segment.kind === "rest";
    if (!bound) parameters.push(wildcard(names, isRest));
    else parameters.push(parameterOf(binding.template, owner, index, bound, names, types));
  }
  const ending = verb ? `:${verb}` : "";
  const text = (given: readonly string[]): string => {
    let next = 0;
    return `/${parts.map((part) => part ?? `{${given[next++] ?? ""}}`).join("/")}${ending}`;
  };
  return { shape: text([]), text, parameters };
}

const rest = "May hold slashes, and may be empty.";

function wildcard(names: Set<string>, isRest: boolean): Parameter {
  const name = free(names, isRest ? "rest" : "segment");
  return {
    name,
    in: "path",
    required: true,
    description: isRest ? `Any rest of the path. ${rest}` : "Any segment.",
    ...(isRest && { "x-multi-segment": true }),
    schema: { type: "string" },
  };
}

function parameterOf(
  { segments, variables }: Template,
  owner: number,
  index: number,
  { fields }: BoundVariable,
  names: Set<string>,
  types: Types,
): Parameter {
  const { path = "", first = 0, end = 0 } = variables[owner] ?? {};
  const isRest = segments[index]?.kind === "rest";
  const covered = segments.slice(first, end);
  const wildcards = covered.filter(({ kind }) => kind !== "literal").length;
  const name = wildcards === 1 ? path : free(names, path);
  const leaf = fields.at(-1);
  const base = { name, in: "path", required: true } as const;
  if (covered.length === 1 && !isRest && leaf) return { ...base, ...leafOf(shapeOf(leaf, asGiven, types)) };
  const form = covered
    .map((it) => (it.kind === "literal" ? it.text : it.kind === "one" ? "*" : "**"))
    .join("/");
  const part = covered.length > 1 ? `A part of \`${path}\`, which is \`${form}\`.` : undefined;
  const description = [part, isRest ? rest : undefined].filter((it) => it !== undefined).join(" ");
  return {
    ...base,
    ...(description && { description }),
    ...(isRest && { "x-multi-segment": true }),
    schema: { type: "string" },
  };
}

/** A value of the path is part of the request, so the rules hold for it. */
const asGiven = { checked: true, without: [] } as const;

function leafOf({ schema, examples }: FieldShape): Pick<Parameter, "schema" | "description" | "example"> {
  const { description, deprecated: _, ...rest } = schema;
  const [example] = examples(newBudget());
  return {
    ...(typeof description === "string" && { description }),
    schema: rest,
    ...(example !== undefined && { example }),
  };
}

/** A name that no variable has: `name`, `name_2`, … */
function free(names: Set<string>, wanted: string): string {
  let name = wanted;
  for (let count = 1; names.has(name); count++) name = `${wanted}_${count}`;
  names.add(name);
  return name;
}
