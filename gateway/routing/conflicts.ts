import { methodName } from "#mesh";
import type { Binding } from "./binding.ts";
import { shapeOf } from "./precedence.ts";

/** Two bindings for the same requests, and no rule which of them is meant. */
export interface Conflict {
  readonly first: Binding;
  readonly second: Binding;
  readonly what: string;
}

/** Bindings are in conflict exactly when their routes have the same key. */
export const routeKey = ({ verb, template }: Pick<Binding, "verb" | "template">): string =>
  `${verb} ${shapeOf(template)}`;

/** All conflicts, each with the binding that was there first. */
export function findConflicts(bindings: readonly Binding[]): readonly Conflict[] {
  const taken = new Map<string, Binding>();
  const conflicts: Conflict[] = [];
  for (const binding of bindings) {
    const key = routeKey(binding);
    const first = taken.get(key);
    if (first) conflicts.push({ first, second: binding, what: describe(first, binding) });
    else taken.set(key, binding);
  }
  return conflicts;
}

function describe(first: Binding, second: Binding): string {
  const { verb, template } = second;
  const own = methodName(second.method);
  if (first.method === second.method) return `${own} is bound to ${verb} ${template.text} twice`;
  const other = first.template.text === template.text ? "" : ` (as ${first.template.text})`;
  return `${own} is bound to ${verb} ${template.text}, which ${methodName(first.method)} of ${first.service} is bound to${other}`;
}
