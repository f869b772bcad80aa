import type { KnownVerb, Operation, Parameter, PathItem } from "./document.ts";
import type { DocumentPath } from "./path.ts";

const knownVerbs: ReadonlySet<string> = new Set<KnownVerb>([
  "get",
  "put",
  "post",
  "delete",
  "options",
  "head",
  "patch",
  "trace",
]);

const isKnown = (verb: string): verb is KnownVerb => knownVerbs.has(verb);

export interface Paths {
  /** Where an operation goes, and what the parameters of its path are called there. */
  place(path: DocumentPath, verb: string, operationId: string): Place;
  all(): Record<string, PathItem>;
}

interface Place {
  readonly parameters: readonly Parameter[];
  readonly put: (operation: Operation) => void;
}

/**
 * Puts operations under their paths. Paths that differ only in the names of
 * their parameters are the same to OpenAPI, so the first names them for all.
 */
export function createPaths(): Paths {
  const paths: Record<string, PathItem> = {};
  const names = new Map<string, readonly string[]>();
  return {
    place({ shape, text, parameters }, verb, operationId) {
      const own = parameters.map(({ name }) => name);
      const shared = names.get(shape) ?? own;
      names.set(shape, shared);
      let key = text(shared);
      // `*` and `**` in one place are two routes, and one path to OpenAPI. What
      // follows a `#` is not sent, so the operation can be tried from there.
      if (isTaken(paths[key], verb)) key = `${key}#${operationId}`;
      const item = paths[key] ?? {};
      paths[key] = item;
      return {
        parameters: parameters.map((it, index) => renamed(it, shared[index] ?? it.name)),
        put: (operation) => put(item, verb, operation),
      };
    },
    all: () => paths,
  };
}

function renamed(parameter: Parameter, name: string): Parameter {
  if (parameter.name === name) return parameter;
  const note = `Sets \`${parameter.name}\`.`;
  return {
    ...parameter,
    name,
    description: parameter.description ? `${note} ${parameter.description}` : note,
  };
}

function isTaken(item: PathItem | undefined, verb: string): boolean {
  const known = verb.toLowerCase();
  return isKnown(known)
    ? item?.[known] !== undefined
    : item?.["x-additional-operations"]?.[verb] !== undefined;
}

function put(item: PathItem, verb: string, operation: Operation): void {
  const known = verb.toLowerCase();
  if (isKnown(known)) item[known] = operation;
  else item["x-additional-operations"] = { ...item["x-additional-operations"], [verb]: operation };
}
