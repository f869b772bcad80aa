import type { DescMessage, DescService } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import postgres from "postgres";
import type { TrackedEvent } from "#gen/analytics/v1/analytics_pb.js";
import { AnalyticsService } from "#gen/analytics/v1/analytics_pb.js";
import { MetricsService } from "#gen/analytics/v1/metrics_pb.js";
import { ReportService, ReportStatus } from "#gen/analytics/v1/reports_pb.js";
import { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import { BroadcastService } from "#gen/broadcast/v1/broadcast_pb.js";
import { NotificationService } from "#gen/notification/v1/notification_pb.js";
import { OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderService, OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentService } from "#gen/payment/v1/payment_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Caller, Database, Events, Running, Setup, UserIdentity } from "#mesh";
import { newId } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import { createAnalyticsMetrics } from "../../services/analytics/analytics-metrics.ts";
import { mappings } from "../../services/analytics/facts/all.ts";
import type { Fact } from "../../services/analytics/facts/fact.ts";
import { lockFigures } from "../../services/analytics/figures-lock.ts";
import { createIngest } from "../../services/analytics/ingest.ts";
import { createPartitions } from "../../services/analytics/partitions.ts";
import { createAnalyticsService } from "../../services/analytics/service.ts";
import type { World } from "../../services/analytics/setup.ts";
import { createQueueService } from "../../services/queue/service.ts";
import { eventually, silentHealth, silentMetrics, testClock, userWith } from "./kit.ts";
import { teller } from "./teller.ts";

export { eventually, refusal, service, silentMetrics, userWith } from "./kit.ts";

export const admin = userWith("analytics:*");
export const seller = () => userWith("analytics:read", "analytics:report");
export const at = (time: string | number) =>
  timestampFromMs(typeof time === "number" ? time : Date.parse(time));

const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

const contracts: Readonly<Record<string, DescService>> = {
  user: UserService,
  product: ProductService,
  order: OrderService,
  payment: PaymentService,
  notification: NotificationService,
  broadcast: BroadcastService,
  security: ThreatService,
};

export interface WorldOptions {
  env?: Record<string, string>;
  /** Whether the other services are there, and the queue. */
  others?: boolean;
  world?: Partial<World>;
}

export async function createAnalyticsWorld({
  env = {},
  others = false,
  world: more = {},
}: WorldOptions = {}) {
  const clock = testClock();
  /** Who has lost all rights, and who was asked about. */
  const security = { lost: new Set<string>(), asked: [] as string[] };
  const checkPermission = ({ userId }: { userId: string }) => {
    security.asked.push(userId);
    return Promise.resolve({ allowed: !security.lost.has(userId) });
  };
  const tellers = new Map(
    Object.entries(others ? contracts : { security: ThreatService }).map(([name, contract]) => {
      const schemas = (mappings[name] ?? []).map(({ schema }) => schema);
      const all = name === "security" ? [contract, PermissionService] : [contract];
      return [name, teller(name, all, schemas, { checkPermission })];
    }),
  );
  let given: Setup<never, never> | undefined;
  const definition = createAnalyticsService({ now: clock.now, paceMs: 20, ...more });
  const host = await hostInMemory(
    [
      ...[...tellers.values()].map((it) => it.definition),
      ...(others ? [createQueueService({ now: clock.now, random: () => 1, paceMs: 20 })] : []),
      {
        ...definition,
        setup: (setup) => {
          given = setup as never;
          return definition.setup(setup);
        },
      },
    ],
    { env: { ANALYTICS_THRESHOLD_EVERY: "20ms", ...env } },
  );
  const setup = given as unknown as Setup<never, never>;
  const sql = postgres(host.databaseUrl("analytics"), { max: 4, onnotice: () => {} });
  const silent = createAnalyticsMetrics(silentMetrics(setup));
  const replicas: { stopping: AbortController; running: Running }[] = [];

  const world = {
    clock,
    host,
    sql,
    setup,
    silent,
    security,
    /** Tells what a service would tell, by the package of its event. */
    tell: ((schema: DescMessage, message: never) =>
      tellers.get(schema.file.proto.package.split(".")[0] ?? "")!.tell(schema, message)) as Events["publish"],
    of: (user: UserIdentity) => host.client(AnalyticsService, { caller: { user } }),
    thresholds: (user: UserIdentity) => host.client(ThresholdService, { caller: { user } }),
    reports: (user: UserIdentity) => host.client(ReportService, { caller: { user } }),
    metrics: (caller: Caller) => host.client(MetricsService, { caller }),
    track: (user: UserIdentity, ...events: TrackedInit[]) =>
      world
        .of(user)
        .trackEvents({ events: events.map((it) => ({ id: newId(), ...it })) as unknown as TrackedEvent[] }),
    /** Counts facts as a consumer does. */
    count: (facts: readonly Fact[], database: Database = setup.db) => {
      const partitions = createPartitions(database, clock.now);
      const ingest = createIngest({ partitions, metrics: silent, keepMs: 400 * dayMs, now: clock.now });
      return database.transaction(async (tx) => {
        await lockFigures(tx);
        return ingest(tx, facts);
      });
    },
    paid: async (sellerId: string, customerId: string, minorUnits: bigint, updatedAt = clock.now()) => {
      await world.tell(OrderStatusUpdatedSchema, {
        orderId: newId(),
        sellerId,
        customerId,
        status: OrderStatus.PAID,
        total: { currency: "GHS", minorUnits },
        updatedAt: at(updatedAt),
      });
    },
    /** All sums there are, to be compared. */
    sums: async () => ({
      rollups: await sql`
        select * from rollups order by owner_id, subject_type, subject_id, metric, currency, bucket`,
      active: await sql`select * from active order by owner_id, day, user_id`,
      seen: await sql`select * from seen order by owner_id, user_id`,
    }),
    /** Of the platform: what was counted of a metric. */
    counted: async (metric: string) => {
      const [row] = await sql<{ count: string }[]>`
        select coalesce(sum(count), 0)::text as count from rollups
        where metric = ${metric} and subject_type = '' and owner_id = '00000000-0000-0000-0000-000000000000'`;
      return Number(row!.count);
    },
    finished: async (user: UserIdentity, id: string) => {
      await eventually(async () => {
        const { report } = await world.reports(user).getReport({ id });
        return ReportStatus[report!.status];
      }).toMatch(/READY|FAILED/);
      return (await world.reports(user).getReport({ id })).report!;
    },
    download: async (user: UserIdentity, id: string) => {
      const pieces: Uint8Array[] = [];
      let contentType = "";
      for await (const { body } of world.reports(user).downloadReport({ id })) {
        contentType = body!.contentType;
        pieces.push(body!.data);
      }
      return { contentType, pieces, text: Buffer.concat(pieces).toString() };
    },
    /** Nobody counts until what it gives back is called. */
    holdFigures: async (): Promise<() => Promise<void>> => {
      const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const holding = setup.db.transaction(async (tx) => {
        await lockFigures(tx);
        held.resolve();
        await release.promise;
      });
      await held.promise;
      return async () => {
        release.resolve();
        await holding;
      };
    },
    /** Another instance over the same stores. */
    startReplica: async (over: Partial<Setup<never, never>> = {}): Promise<Running> => {
      const stopping = new AbortController();
      const running = await definition.setup({
        ...setup,
        ...over,
        metrics: silentMetrics(setup),
        health: silentHealth(setup),
        stopping: stopping.signal,
      } as never);
      replicas.push({ stopping, running });
      return running;
    },
    async [Symbol.asyncDispose]() {
      for (const { stopping, running } of replicas) {
        stopping.abort();
        await running.stop?.();
      }
      await sql.end();
      await host.stop();
    },
  };
  return world;
}

export type AnalyticsWorld = Awaited<ReturnType<typeof createAnalyticsWorld>>;

export type TrackedInit = Partial<Omit<TrackedEvent, "$typeName" | "$unknown">>;

export const factWith = (more: Partial<Fact> = {}): Fact => ({
  id: newId(),
  occurredAt: new Date(),
  metric: "orders_created",
  userId: null,
  ownerId: null,
  subjectType: "",
  subjectId: "",
  currency: "",
  amount: null,
  value: null,
  tags: [],
  properties: {},
  ...more,
});
