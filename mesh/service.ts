import type { DescMessage, DescService } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { ConfigOf, Fields } from "./config/fields.ts";
import type { Database } from "./db/database.ts";
import type { Subscription } from "./events/consume/on.ts";
import type { Events } from "./events/events.ts";
import type { Live } from "./events/live.ts";
import type { HealthChecks } from "./health/checks.ts";
import type { OpenFront } from "./host/edge.ts";
import type { Implementation } from "./implementation.ts";
import type { Jobs } from "./jobs/enqueue.ts";
import type { Work } from "./jobs/job.ts";
import type { Logger } from "./log/logger.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Nats } from "./nats/nats.ts";
import type { Meter } from "./rpc/intake.ts";

/** The contracts that a service calls, by the name it calls them. */
export type Contracts = Record<string, DescService>;
export type Clients<C extends Contracts> = { readonly [K in keyof C]: Client<C[K]> };

/** What a service is given when it is set up. */
export interface Setup<C extends Contracts, F extends Fields> {
  readonly db: Database;
  readonly nats: Nats;
  readonly calls: Clients<C>;
  /** Tells others what has happened, for good. */
  readonly events: Events;
  /** Tells those who listen right now. */
  readonly live: Live;
  /** Has work done in the background, here or elsewhere. */
  readonly jobs: Jobs;
  readonly config: ConfigOf<F>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly health: HealthChecks;
  /** Aborted when the service stops; end background work then. */
  readonly stopping: AbortSignal;
}

/** What a service gives back. */
export interface Running {
  readonly rpc: Implementation[];
  /** What it does when something has happened, here or elsewhere. */
  readonly on?: readonly Subscription[];
  /** The jobs that it does, whoever asks for them. */
  readonly jobs?: readonly Work[];
  /** What its port answers beside RPCs of its own, for a service that stands before others. */
  readonly front?: OpenFront;
  /** Holds the callers of its own contracts to limits. Default: nobody is. */
  readonly meter?: Meter;
  /** Called once everything in flight is done, before the stores are closed. */
  readonly stop?: () => Promise<void> | void;
}

export interface ServiceDefinition<C extends Contracts = Contracts, F extends Fields = Fields> {
  /** As in the contracts' `(mesh.v1.service).name`. */
  readonly name: string;
  readonly contracts: readonly DescService[];
  readonly calls?: C;
  /** The events that it tells of; all of them stand in its own `events.proto`. */
  readonly publishes?: readonly DescMessage[];
  /** Calls services that it learns of while it runs, and so needs a key whatever `calls` says. */
  readonly edge?: true;
  /** Environment variables of this service alone. */
  readonly config?: F;
  /** A PostgreSQL database of its own, named `<service>_service`. */
  readonly database?: { readonly migrations: URL };
  readonly setup: (given: Setup<C, F>) => Running | Promise<Running>;
}

/** Describes a service. How and where it runs is decided by whoever hosts it. */
// biome-ignore lint/complexity/noBannedTypes: `{}` is what "no calls, no variables" is.
export function defineService<C extends Contracts = {}, F extends Fields = {}>(
  definition: ServiceDefinition<C, F>,
): ServiceDefinition {
  return definition as unknown as ServiceDefinition;
}
