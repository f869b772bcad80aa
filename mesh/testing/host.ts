import { randomBytes } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { DestinationStream } from "pino";
import type { Caller } from "../call/identity.ts";
import { anonymous } from "../call/identity.ts";
import { createMemoryNetwork } from "../client/memory-network.ts";
import { serviceOf } from "../contract/options.ts";
import { hostService } from "../host/host.ts";
import { envPrefix } from "../host/mesh-config.ts";
import type { ServiceDefinition } from "../service.ts";
import { databaseUrl, dropDatabases } from "./databases.ts";
import { testStores } from "./stores.ts";
import { dropStreams } from "./streams.ts";
import { silentTelemetry } from "./telemetry.ts";

export interface ClientOptions {
  /** Who calls; nobody by default. */
  caller?: Caller;
  /** A raw `authorization: Bearer` header. */
  bearer?: string;
  /** Where the call seems to come from. */
  address?: string;
  userAgent?: string;
}

export interface TestHost extends AsyncDisposable {
  /** A typed client whose calls go through validation, access rules and handlers as real ones do. */
  client<S extends DescService>(contract: S, as?: ClientOptions): Client<S>;
  /** Environment for another instance of a hosted service, beside this one. */
  sameStores(service: string): Record<string, string>;
  /** What names of the broker begin with in this host. */
  readonly namespace: string;
  /** URL of the database of a hosted service, to look at it or to tamper with it. */
  databaseUrl(service: string): string;
  stop(): Promise<void>;
}

export interface TestHostOptions {
  env?: Record<string, string>;
  logs?: DestinationStream;
}

/**
 * Hosts services in this process, without sockets but with real PostgreSQL and
 * NATS: databases of their own, dropped at the end.
 */
export async function hostInMemory(
  services: readonly ServiceDefinition[],
  { env = {}, logs }: TestHostOptions = {},
): Promise<TestHost> {
  const stores = testStores();
  const memory = createMemoryNetwork();
  const outside = silentTelemetry("outside");
  const suffix = randomBytes(6).toString("hex");
  const urlOf = (service: string) => databaseUrl(service, suffix);
  const started: Array<{ stop(): Promise<void> }> = [];

  const stop = async () => {
    for (const hosted of started.reverse()) await hosted.stop();
    // Those of a namespace that tests share are for them to drop.
    if (env.WEFT_NAMESPACE === undefined) await dropStreams(suffix);
    await dropDatabases(services.map(({ name }) => urlOf(name)));
  };

  try {
    for (const definition of services) {
      const { name, contracts } = definition;
      const hosted = await hostService(definition, {
        env: {
          WEFT_ENV: "test",
          LOG_LEVEL: "silent",
          NATS_URL: stores.natsUrl,
          // The server is everybody's: what one host tells is for it alone.
          WEFT_NAMESPACE: suffix,
          [`${envPrefix(name)}_DATABASE_URL`]: urlOf(name),
          ...env,
        },
        ...(logs && { logs }),
        memory: {
          openNetwork: (telemetry) =>
            memory.networkOf(
              name,
              contracts.flatMap((it) => serviceOf(it)?.scopes ?? []),
              telemetry,
            ),
          authenticate: memory.authenticate,
          attach: (rpc) => memory.attach(name, rpc),
        },
      });
      started.push(hosted);
    }
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    client: (contract, as = {}) => {
      const { caller = anonymous, bearer, address = "127.0.0.1", userAgent = "test" } = as;
      return memory.client(
        contract,
        outside,
        () => ({ caller, userToken: bearer ?? "", client: { address, userAgent } }),
        bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
      );
    },
    namespace: env.WEFT_NAMESPACE ?? suffix,
    sameStores: (service) => ({
      [`${envPrefix(service)}_DATABASE_URL`]: urlOf(service),
      WEFT_NAMESPACE: env.WEFT_NAMESPACE ?? suffix,
    }),
    databaseUrl: urlOf,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
