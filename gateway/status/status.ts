import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { GatewayService, RouteSchema, ServiceEntrySchema } from "#gen/gateway/v1/gateway_pb.js";
import type { Handlers } from "#mesh";
import { fail, methodName, version } from "#mesh";
import { isPublished } from "#mesh/contract/published.ts";
import type { DiscoveredDirectory } from "#mesh/discovery/directory.ts";
import { describeAccess } from "../served/access.ts";
import type { ServedPart } from "../served/part.ts";
import type { Snapshot } from "../served/snapshot.ts";

/** What the gateway shows of itself. */
export interface View {
  readonly instanceId: string;
  readonly startedMs: number;
  readonly directory: DiscoveredDirectory;
  snapshot(): Snapshot;
  /** Copies of the gateway that agree on limits. */
  replicas(): number;
  inFlight(): number;
}

/** `view` gives nothing until the gateway serves. */
export const gatewayStatus = (view: () => View | undefined): Handlers<typeof GatewayService> => {
  const seen = () => {
    const it = view();
    if (!it) throw fail.unavailable("starting", "the gateway is starting", { remedy: "try again" });
    return it;
  };
  return {
    listServices() {
      const { directory, snapshot } = seen();
      return { services: snapshot().parts.map((part) => entryOf(part, directory)) };
    },

    getStatus() {
      const { instanceId, startedMs, snapshot, replicas, inFlight } = seen();
      const { contracts, parts } = snapshot();
      return {
        instanceId,
        version,
        startedAt: timestampFromMs(startedMs),
        routesVersion: contracts.version,
        routes: parts.flatMap(({ routes }) => routes).length,
        replicas: replicas(),
        inFlight: inFlight(),
        contracts: contracts.reports.map(({ service, hash, status, problems, changes }) => ({
          service,
          hash,
          status,
          problems: [...problems],
          changes: changes.map(({ kind, what }) => ({ breaking: kind === "breaking", what })),
        })),
      };
    },
  };
};

function entryOf(
  { source, routes }: ServedPart,
  directory: DiscoveredDirectory,
): MessageInitShape<typeof ServiceEntrySchema> {
  const { service, contracts } = source;
  const instances = directory.instances(service);
  return {
    name: service,
    status: instances.length > 0 ? "available" : "unavailable",
    instances: instances.length,
    versions: [...new Set(instances.map((it) => it.version))].sort(),
    contracts: contracts.filter((it) => it.methods.some(isPublished)).map((it) => it.typeName),
    routes: routes.map(({ value: { binding } }): MessageInitShape<typeof RouteSchema> => {
      const { verb, template, method } = binding;
      return { verb, path: template.text, method: methodName(method), access: describeAccess(method) };
    }),
  };
}
