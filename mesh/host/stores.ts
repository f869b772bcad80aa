import type { Database } from "../db/database.ts";
import { openDatabase } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { provisionDatabase } from "../db/provision.ts";
import { fail } from "../errors.ts";
import type { HealthChecks } from "../health/checks.ts";
import type { Logger } from "../log/logger.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import type { ServiceDefinition } from "../service.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface Stores {
  readonly db: Database;
  readonly nats: Nats;
  close(): Promise<void>;
}

export interface StoresOptions {
  definition: ServiceDefinition;
  config: MeshConfig;
  log: Logger;
  health: HealthChecks;
  metrics: Metrics;
}

/** Opens the database and the broker of a service, waiting for both, and watches their health. */
export async function openStores(options: StoresOptions): Promise<Stores> {
  const { definition, config, log, health } = options;
  const nats = await connectNats({
    url: config.natsUrl,
    name: definition.name,
    log,
    waitMs: config.startupWaitMs,
    namespace: config.namespace,
  });
  // Calls are answered without the broker: what it would bring comes later.
  health.add({
    name: "nats",
    critical: false,
    check: () => {
      if (!nats.connected()) throw new Error("not connected");
      return nats.connection.rtt();
    },
  });
  try {
    const db = await openOwnDatabase(options);
    return {
      db,
      nats,
      close: async () => {
        await nats.close();
        await db.close();
      },
    };
  } catch (error) {
    await nats.close();
    throw error;
  }
}

async function openOwnDatabase({
  definition,
  config,
  log,
  health,
  metrics,
}: StoresOptions): Promise<Database> {
  if (!definition.database) return noDatabase(definition.name);
  const url = config.databaseUrl;
  if (!url) {
    throw fail.precondition(
      "bad_configuration",
      `configuration: DATABASE_URL is not set and ${definition.name} has a database`,
      {
        remedy: "set it, or start with `weft up`, which brings PostgreSQL",
      },
    );
  }
  await provisionDatabase({ url, log, waitMs: config.startupWaitMs });
  const db = openDatabase({ url, applicationName: `weft-${definition.name}` });
  try {
    await migrate(db, definition.database.migrations, log);
  } catch (error) {
    await db.close();
    throw error;
  }
  health.add({ name: "database", critical: true, check: () => db.sql`select 1` });
  metrics
    .gauge({ name: "weft_db_pool_max", help: "Most connections the pool may open." })
    .set(db.maxConnections);
  return db;
}

function noDatabase(service: string): Database {
  const refuse = () => {
    throw fail.internal("no_database", `${service} declares no database`);
  };
  return {
    get sql(): Database["sql"] {
      return refuse();
    },
    transaction: async () => refuse(),
    maxConnections: 0,
    close: async () => {},
  };
}
