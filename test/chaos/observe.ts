import { setTimeout as sleep } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import type { JetStreamManager } from "@nats-io/jetstream";
import { jetstreamManager } from "@nats-io/jetstream";
import type { Sql } from "postgres";
import postgres from "postgres";
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { openDeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import { createLogger } from "#mesh/log/logger.ts";
import type { Nats } from "#mesh/nats/nats.ts";
import { connectNats } from "#mesh/nats/nats.ts";
import { changeOf } from "./change.ts";
import type { ConsumerState, Effect, Facts } from "./checker.ts";
import { databaseOf } from "./crew.ts";
import type { Operation } from "./history.ts";
import type { Member } from "./plan.ts";
import { crew } from "./plan.ts";
import type { StoreServer } from "./stores.ts";

export const consumers = ["shared", "ordered", "poisoned"] as const;
export const streamName = "events_user";
const durableOf = (service: string) => `${service}-effects`;

/** What is still to be done. */
export interface Backlog {
  readonly outbox: number;
  readonly lastSequence: number;
  readonly consumers: ReadonlyMap<string, Pick<ConsumerState, "waiting" | "inHand" | "position">>;
}

/** Looks at the stores past all proxies. */
export interface Observer {
  readonly nats: Nats;
  /** The publisher that has the lease of the relay; nothing when the database does not say at once. */
  relayHolder(): Promise<Member | undefined>;
  backlog(): Promise<Backlog>;
  /** Events that wait to be published. */
  outbox(): Promise<number>;
  facts(operations: readonly Operation[]): Promise<Facts>;
  /** How often each lease changed hands. */
  turns(): Promise<Record<string, number>>;
  /** Sets limits of the stream, or how long NATS waits for a consumer's word. */
  limitStream(maxBytes: number): Promise<void>;
  bytes(): Promise<number>;
  hurry(ackWaitMs: number): Promise<void>;
  close(): Promise<void>;
}

const log = createLogger({ service: "observer", level: "silent", contracts: [] });
const atOnceMs = 300;
const nanos = 1_000_000;

export async function openObserver(postgresServer: StoreServer, natsServer: StoreServer): Promise<Observer> {
  const nats = await connectNats({ url: natsServer.url, name: "observer", log, waitMs: 10_000 });
  const jsm: JetStreamManager = await jetstreamManager(nats.connection, { checkAPI: false, timeout: 2000 });
  /** A connection for one question: what stays open meets the faults of the run. */
  const ask = async <T>(service: string, question: (sql: Sql) => Promise<T>): Promise<T> => {
    const url = databaseOf(service, postgresServer.url);
    const sql = postgres(url, { max: 1, connect_timeout: 3, onnotice: () => {} });
    try {
      return await question(sql);
    } finally {
      await sql.end({ timeout: 1 });
    }
  };

  const outbox = () =>
    ask("publisher", async (sql) => {
      const [row] = await sql`select count(*)::int as count from weft_outbox where published_at is null`;
      return row?.count as number;
    });
  const positionOf = (service: string): Promise<number> =>
    ask(service, async (sql) => {
      const [row] = await sql`select sequence::int from weft_positions where consumer = 'effects'`;
      return row?.sequence ?? 0;
    });
  const lastSequence = async () => (await jsm.streams.info(streamName)).state.last_seq;

  const behind = async (service: string, last: number) => {
    if (service === "ordered") {
      const position = await positionOf(service);
      return { position, waiting: Math.max(0, last - position), inHand: 0 };
    }
    const { num_pending, num_ack_pending } = await jsm.consumers.info(streamName, durableOf(service));
    return { position: undefined, waiting: num_pending, inHand: num_ack_pending };
  };

  const backlog = async (): Promise<Backlog> => {
    const pending = await outbox();
    const last = await lastSequence();
    const entries = consumers.map(async (service) => [service, await behind(service, last)] as const);
    return { outbox: pending, lastSequence: last, consumers: new Map(await Promise.all(entries)) };
  };

  const effectsOf = async (service: string): Promise<Effect[]> => {
    const rows = await ask(
      service,
      (sql) => sql`
      select event_id, op, aggregate, version::int from effects order by position`,
    );
    return rows.map((row) => ({
      eventId: row.event_id,
      op: row.op,
      aggregate: row.aggregate,
      version: row.version,
    }));
  };
  const lettersOf = async (service: string): Promise<Effect[]> => {
    const { letters } = await openDeadLetters(nats).list({ service, limit: 1_000_000 });
    return letters.map(({ eventId, data }) => {
      const { op, aggregate, version } = changeOf(fromBinary(UserUpdatedSchema, data));
      return { eventId, op, aggregate, version };
    });
  };

  return {
    nats,
    backlog,
    outbox,
    async relayHolder() {
      const late = sleep(atOnceMs, undefined, { ref: false });
      const asked = ask(
        "publisher",
        (sql) => sql`select holder from weft_leases where name = 'weft/outbox'`,
      ).catch(() => undefined);
      const rows = await Promise.race([asked, late]);
      const [name] = String(rows?.[0]?.holder ?? "").split(".");
      return crew.find((it) => it === name);
    },
    async facts(operations) {
      const { outbox: pending, lastSequence: last, consumers: lags } = await backlog();
      const rows = await ask("publisher", (sql) => sql`select id, version::int from aggregates`);
      const states = consumers.map(
        async (service): Promise<ConsumerState> => ({
          name: service,
          isOrdered: service === "ordered",
          refusesPoison: service === "poisoned",
          effects: await effectsOf(service),
          deadLetters: await lettersOf(service),
          ...lags.get(service)!,
        }),
      );
      return {
        operations,
        versions: new Map(rows.map(({ id, version }) => [id, version])),
        outbox: pending,
        lastSequence: last,
        consumers: await Promise.all(states),
      };
    },
    async turns() {
      const turns: Record<string, number> = {};
      for (const service of ["publisher", "ordered"]) {
        const rows = await ask(service, (sql) => sql`select name, epoch::int from weft_fences`);
        for (const { name, epoch } of rows) turns[`${service} ${name}`] = epoch;
      }
      return turns;
    },
    async limitStream(maxBytes) {
      await jsm.streams.update(streamName, { max_bytes: maxBytes });
    },
    bytes: async () => (await jsm.streams.info(streamName)).state.bytes,
    async hurry(ackWaitMs) {
      for (const service of ["shared", "poisoned"]) {
        await jsm.consumers.update(streamName, durableOf(service), { ack_wait: ackWaitMs * nanos });
      }
    },
    close: () => nats.connection.close(),
  };
}
