import type { DescService } from "@bufbuild/protobuf";
import { methodName } from "#mesh";
import type { Binding } from "../routing/binding.ts";
import { routeKey } from "../routing/conflicts.ts";

/** What only one service can have: full names of contracts, and routes. With words for people. */
export type Claims = ReadonlyMap<string, string>;

export function claimsOf(contracts: readonly DescService[], bindings: readonly Binding[]): Claims {
  const claims = new Map<string, string>();
  for (const { typeName } of contracts) claims.set(typeName, typeName);
  for (const binding of bindings) {
    const { verb, template, method } = binding;
    claims.set(routeKey(binding), `${verb} ${template.text} of ${methodName(method)}`);
  }
  return claims;
}

interface Collision {
  readonly key: string;
  readonly wanted: string;
  readonly taken: string;
}

/** What both want to have, in the words of each. */
export function collisions(wanted: Claims, taken: Claims): Collision[] {
  const found: Collision[] = [];
  for (const [key, words] of wanted) {
    const others = taken.get(key);
    if (others !== undefined) found.push({ key, wanted: words, taken: others });
  }
  return found;
}
