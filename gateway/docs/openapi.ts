import { setImmediate } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import { about } from "./about.ts";
import { audienceOf } from "./access.ts";
import { commentOf } from "./comments.ts";
import { commonParts, ownSchemas } from "./common-parts.ts";
import type { OpenApiDocument } from "./document.ts";
import { mostBindings as usualMostBindings } from "./limits.ts";
import { operationOf } from "./operation.ts";
import { createOperationIds } from "./operation-ids.ts";
import { pathOf } from "./path.ts";
import { createPaths } from "./paths.ts";
import { createComponents } from "./schema/components.ts";
import { ruledOf } from "./schema/ruled.ts";

export type { OpenApiDocument } from "./document.ts";

export interface OpenApiOptions {
  /** The routing table, in any order; its methods that let in no user are left out. */
  readonly bindings: readonly Binding[];
  readonly title: string;
  readonly version: string;
  /** Where the API is reached. Default: the origin that the document comes from. */
  readonly servers?: readonly string[];
  /** Bindings beyond so many are counted in `x-left-out` and not shown. Default 20,000. */
  readonly mostBindings?: number;
}

/** The API as an OpenAPI 3.1 document. The same bindings give the same document, whatever their order. */
export function openApiOf(options: OpenApiOptions): OpenApiDocument {
  const steps = assemble(options);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** Work of about so long is done in one go while others wait. */
const stepMs = 5;

/**
 * The same, made piece by piece with requests served in between: a document of
 * thousands of operations takes seconds.
 */
export async function buildOpenApi(options: OpenApiOptions, now: () => number): Promise<OpenApiDocument> {
  const steps = assemble(options);
  for (let until = now() + stepMs; ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (now() < until) continue;
    await setImmediate();
    until = now() + stepMs;
  }
}

function* assemble({
  bindings,
  title,
  version,
  servers = ["/"],
  mostBindings = usualMostBindings,
}: OpenApiOptions): Generator<undefined, OpenApiDocument> {
  const all = inOrder(bindings.filter(({ method }) => audienceOf(method) !== undefined));
  const shown = all.slice(0, mostBindings);
  const ruled = ruledOf(shown.map(({ method }) => method));
  const components = createComponents(ruled, Object.keys(ownSchemas));
  const operationId = createOperationIds();
  const paths = createPaths();
  const services = new Map<DescService, string>();
  for (const binding of shown) {
    const { method, verb, service } = binding;
    const audience = audienceOf(method);
    if (!audience) continue;
    services.set(method.parent, service);
    const id = operationId(method);
    const place = paths.place(pathOf(binding, components), verb, id);
    const hasRules = ruled.ruled.has(method.input);
    const options = { operationId: id, audience, pathParameters: place.parameters, hasRules };
    place.put(operationOf(binding, options, components));
    yield;
  }
  const leftOut = all.length - shown.length;
  return {
    openapi: "3.1.0",
    info: { title, version, description: about },
    servers: servers.map((url) => ({ url })),
    tags: tagsOf(services),
    paths: paths.all(),
    components: commonParts(yield* components.schemas()),
    ...(leftOut > 0 && { "x-left-out": leftOut }),
  };
}

/** By contract, then as the contract has them: arrival in the registry says nothing to a reader. */
function inOrder(bindings: readonly Binding[]): Binding[] {
  const places = new Map<DescService, Map<unknown, number>>();
  const placeOf = ({ method }: Binding): number => {
    let known = places.get(method.parent);
    if (!known) {
      known = new Map(method.parent.methods.map((it, index) => [it, index]));
      places.set(method.parent, known);
    }
    return known.get(method) ?? 0;
  };
  return bindings.toSorted((a, b) => {
    const [one, other] = [a.method.parent.typeName, b.method.parent.typeName];
    return one === other ? placeOf(a) - placeOf(b) : one < other ? -1 : 1;
  });
}

function tagsOf(services: ReadonlyMap<DescService, string>): OpenApiDocument["tags"] {
  const tags = new Map<string, OpenApiDocument["tags"][number]>();
  for (const [contract, service] of services) {
    const description = commentOf(contract);
    tags.set(contract.typeName, {
      name: contract.typeName,
      ...(description && { description }),
      "x-service": service,
    });
  }
  return [...tags.values()];
}
