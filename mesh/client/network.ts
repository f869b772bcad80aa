import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Directory } from "../discovery/directory.ts";
import type { Instance } from "../discovery/instance.ts";
import { authorityOf } from "../discovery/instance.ts";
import { fail } from "../errors.ts";
import type { Credentials } from "../identity/credentials.ts";
import { createCredentials } from "../identity/credentials.ts";
import type { ServiceKey } from "../identity/service-key.ts";
import { bulkheadPolicy } from "../resilience/bulkhead.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { BytesClient } from "./bytes-client.ts";
import { createBytesClient } from "./bytes-client.ts";
import type { Callee } from "./callee.ts";
import { createCallee } from "./callee.ts";
import type { ClientPolicy } from "./client-policy.ts";
import { usualClientPolicy } from "./client-policy.ts";
import type { Lanes } from "./endpoint.ts";
import { lanesTo } from "./lanes.ts";
import { createLeavableClient } from "./leavable-client.ts";
import { neighbour } from "./neighbours.ts";
import { processOf } from "./process-of.ts";
import { createMeshTransport } from "./transport.ts";

/** Reaches other services. */
export interface Network {
  /** A typed client: as this service, unless told with what proof. */
  client<S extends DescService>(contract: S, proof?: Credentials): Client<S>;
  /** A typed client, as nobody: for what is public, such as the issuer's keys. */
  anonymousClient<S extends DescService>(contract: S): Client<S>;
  /** Makes single calls with messages that are bytes already: as this service, unless told with what proof. */
  bytesClient(contract: DescService, proof?: Credentials): BytesClient;
  /** Throws when no instance of the process that serves this contract answers. */
  ping(contract: DescService): Promise<void>;
  /** Gives up its connections, once nothing is called any more. */
  close(): void;
}

export interface NetworkOptions {
  /** The id of the calling instance. */
  callerId: string;
  /** Where services are. */
  directory: Directory;
  telemetry: Telemetry;
  /** Proves who calls; without it, all calls are made as nobody. */
  credentials?: (network: Pick<Network, "anonymousClient"> & { as: As }) => Credentials;
  /** Default: the policies that are usual. */
  policy?: ClientPolicy;
  /** Default: in memory where the instance is in this process, else by socket. */
  openLanes?: (instance: Instance) => Lanes;
}

/** A typed client with these credentials. */
export type As = <S extends DescService>(contract: S, credentials: Credentials | undefined) => Client<S>;

export function createNetwork(options: NetworkOptions): Network {
  const { callerId, directory, telemetry, policy = usualClientPolicy, openLanes = lanesTo } = options;
  const callees = new Map<string, Callee>();

  const calleeOf = (contract: DescService): Callee => {
    const { name, load } = processOf(contract);
    let callee = callees.get(name);
    if (!callee) {
      callee = createCallee({
        name,
        directory,
        callerId,
        policy,
        bulkhead: {
          maxInFlight: load?.maxInFlight || bulkheadPolicy.maxInFlight,
          maxWaiting: load?.maxWaiting || bulkheadPolicy.maxWaiting,
        },
        metrics: telemetry.calls,
        openLanes,
      });
      callees.set(name, callee);
    }
    return callee;
  };

  const as: As = (contract, credentials) =>
    createLeavableClient(
      contract,
      createMeshTransport({ callee: calleeOf(contract), telemetry, credentials }),
    );
  const anonymousClient: Network["anonymousClient"] = (contract) => as(contract, undefined);
  const credentials = options.credentials?.({ anonymousClient, as });
  return {
    client: (contract, proof = credentials) => as(contract, proof),
    anonymousClient,
    bytesClient: (contract, proof = credentials) =>
      createBytesClient({ callee: calleeOf(contract), telemetry, credentials: proof }),
    ping: (contract) => pingAny(processOf(contract).name, directory),
    close: () => {
      for (const callee of callees.values()) callee.close();
    },
  };
}

/** Proves who calls by tokens of the issuer, which is reached over the very network. */
export function tokenCredentials(key: ServiceKey): NonNullable<NetworkOptions["credentials"]> {
  return ({ anonymousClient, as }) => {
    // The exchange is itself a call that needs our token, but never one for a user.
    const own: Credentials = (callee) => credentials(callee, undefined);
    const credentials: Credentials = createCredentials({
      key,
      issuer: anonymousClient(TokenService),
      exchange: as(TokenService, own),
    });
    return credentials;
  };
}

const pingTimeoutMs = 1500;

async function pingAny(service: string, directory: Directory): Promise<void> {
  const instances = directory.instances(service);
  if (instances.some(({ id }) => neighbour(id))) return;
  if (instances.length === 0) throw fail.unavailable("no_instance", `no instance of ${service} is known`);
  await Promise.any(instances.slice(0, 3).map(ping)).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error;
  });
}

async function ping({ host, port }: Instance): Promise<void> {
  const signal = AbortSignal.timeout(pingTimeoutMs);
  const url = `http://${authorityOf(host, port)}/health/live`;
  const answer = await fetch(url, { signal }).catch((error: unknown) => {
    // `fetch failed` says nothing; its cause does.
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`answers ${answer.status}`);
}
