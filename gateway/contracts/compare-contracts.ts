import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Access } from "#gen/mesh/v1/options_pb.js";
import { methodName, optionsOf } from "#mesh";
import { isRepeatable, onlyReads } from "#mesh/contract/safety.ts";
import type { Binding } from "../routing/binding.ts";
import { bindingsOf } from "../routing/bindings-of.ts";
import { routeKey } from "../routing/conflicts.ts";
import type { Changes, ContractChange } from "./changes.ts";
import { compareTypes } from "./compare-types.ts";
import type { ServedContract } from "./contracts.ts";

/** A contract that has little in common with the one before is told of in part. */
const mostChanges = 200;

/**
 * What a caller notices when a service goes on with another contract: in the
 * methods, their HTTP routes and access, and in what can occur in their
 * messages. What breaks comes first.
 */
export function compareContracts(
  before: Pick<ServedContract, "contracts">,
  after: Pick<ServedContract, "contracts">,
): readonly ContractChange[] {
  const breaking: string[] = [];
  const additions: string[] = [];
  const changes: Changes = { breaks: (it) => breaking.push(it), adds: (it) => additions.push(it) };
  pairs(before.contracts, after.contracts, "typeName", (former, next) => {
    if (!next) changes.breaks(`${former?.typeName} is gone`);
    else if (!former) changes.adds(`${next.typeName} is new`);
    else compareServices(former, next, changes);
  });
  compareTypes(before.contracts, after.contracts, changes);
  return [...shown("breaking", breaking), ...shown("addition", additions)];
}

function shown(kind: ContractChange["kind"], all: readonly string[]): ContractChange[] {
  const part = all.slice(0, mostChanges).map((what) => ({ kind, what }));
  const left = all.length - part.length;
  return left > 0 ? [...part, { kind, what: `and ${left} more` }] : part;
}

/** Calls with each that has the same name in both, and each that is in one alone. */
export function pairs<K extends string | number, T extends Readonly<Record<N, K>>, N extends keyof T>(
  before: readonly T[],
  after: readonly T[],
  name: N,
  each: (before: T | undefined, after: T | undefined) => void,
): void {
  const next = new Map(after.map((it) => [it[name], it]));
  const former = new Set(before.map((it) => it[name]));
  for (const it of before) each(it, next.get(it[name]));
  for (const it of after) if (!former.has(it[name])) each(undefined, it);
}

function compareServices(before: DescService, after: DescService, changes: Changes): void {
  const [former, next] = [bindingsOf(before).bindings, bindingsOf(after).bindings];
  pairs(before.methods, after.methods, "name", (method, now) => {
    if (!now) changes.breaks(`${methodName(method as DescMethod)} is gone`);
    else if (!method) changes.adds(`${methodName(now)} is new`);
    else {
      compareMethods(method, now, changes);
      const of = (bindings: readonly Binding[], it: DescMethod) => bindings.filter((b) => b.method === it);
      compareRoutes(methodName(method), of(former, method), of(next, now), changes);
    }
  });
}

function compareMethods(before: DescMethod, after: DescMethod, { breaks, adds }: Changes): void {
  const name = methodName(before);
  const changed = (what: string, from: string, to: string) =>
    from !== to && breaks(`${name} ${what} ${to}, before ${from}`);
  changed("takes", before.input.typeName, after.input.typeName);
  changed("answers with", before.output.typeName, after.output.typeName);
  changed("is", before.methodKind, after.methodKind);
  const [former, next] = [optionsOf(before), optionsOf(after)];
  changed("answers with status", `${former?.successStatus || 200}`, `${next?.successStatus || 200}`);
  const safety = safetyOf(after) - safetyOf(before);
  if (safety < 0) breaks(`${name} is no longer as safe to repeat: its idempotency_level is lower`);
  if (safety > 0) adds(`${name} is safe to repeat: its idempotency_level is higher`);
  const lost = former?.access && next?.access ? lostBy(former.access, next.access) : undefined;
  const won = former?.access && next?.access ? lostBy(next.access, former.access) : undefined;
  if (lost) breaks(`${name} is no longer for ${lost}`);
  if (won) adds(`${name} is for ${won} too`);
}

/** What may be repeated, and sent as GET, in steps. */
const safetyOf = (method: DescMethod): number => Number(isRepeatable(method)) + Number(onlyReads(method));

/** Whom the first rule lets in and the second does not. */
function lostBy(before: Access, after: Access): string | undefined {
  if (after.public) return undefined;
  if (before.public) return "everybody";
  const lost: string[] = [];
  if (before.signedIn && !after.signedIn) lost.push("every signed-in user");
  if (before.permission && !after.signedIn && before.permission !== after.permission)
    lost.push(`who has ${before.permission}`);
  const stay = new Set(after.services);
  // Every service is not the gateway: see the rule's own words.
  const stays = (name: string) => stay.has(name) || (stay.has("*") && name !== "gateway");
  const gone = before.services.filter((it) => !stays(it)).map((it) => (it === "*" ? "every service" : it));
  lost.push(...gone);
  if (before.scope && before.scope !== after.scope) lost.push(`services with the scope ${before.scope}`);
  return lost.length > 0 ? lost.join(", ") : undefined;
}

function compareRoutes(
  method: string,
  before: readonly Binding[],
  after: readonly Binding[],
  { breaks, adds }: Changes,
): void {
  const keyed = (bindings: readonly Binding[]) => bindings.map((it) => ({ key: routeKey(it), it }));
  pairs(keyed(before), keyed(after), "key", (former, next) => {
    if (!next && former) breaks(`${method} is no longer ${routeOf(former.it)}`);
    else if (!former && next) adds(`${method} is ${routeOf(next.it)} too`);
    else if (former && next && detailOf(former.it) !== detailOf(next.it))
      breaks(`${method} as ${routeOf(next.it)} has ${detailOf(next.it)}, before ${detailOf(former.it)}`);
  });
}

const routeOf = ({ verb, template }: Binding): string => `${verb} ${template.text}`;

function detailOf({ variables, body, responseBody }: Binding): string {
  const paths = variables.map(({ fields }) => fields.map(({ name }) => name).join("."));
  const sent = body === "*" ? "*" : (body?.name ?? "none");
  return `variables [${paths.join(", ")}], body ${sent}, response_body ${responseBody?.name ?? "all"}`;
}
