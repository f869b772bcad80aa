import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import postgres from "postgres";
import type { CreateBroadcastRequestSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import { BroadcastService, BroadcastStatus, RecipientStatus } from "#gen/broadcast/v1/broadcast_pb.js";
import { BroadcastCompletedSchema, BroadcastStartedSchema } from "#gen/broadcast/v1/events_pb.js";
import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import type { SendNotificationRequest } from "#gen/notification/v1/notification_pb.js";
import { Channel, DeliveryStatus, NotificationService } from "#gen/notification/v1/notification_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderService, OrderStatus } from "#gen/order/v1/order_pb.js";
import { ProductStockUpdatedSchema } from "#gen/product/v1/events_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { AudienceService } from "#gen/user/v1/audience_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Events, Running, ServiceDefinition, Setup, UserIdentity } from "#mesh";
import { fail, newId } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import { startMessagesSandbox } from "../../sandbox/messages/start.ts";
import { createBroadcastService } from "../../services/broadcast/service.ts";
import { createNotificationService } from "../../services/notification/service.ts";
import { createQueueService } from "../../services/queue/service.ts";
import { createUserService } from "../../services/user/service.ts";
import { eventually, silentHealth, silentMetrics, userWith } from "./kit.ts";
import { teller } from "./teller.ts";

export { eventually, refusal, userWith } from "./kit.ts";

export const newSeller = () => userWith("broadcast:read", "broadcast:write", "broadcast:send");
export const newManager = () => userWith("broadcast:*", "notification:write");
export const admin = newManager();

/** A user service that knows ids alone. */
function createPeople() {
  const people = {
    ids: [] as string[],
    /** Sizes of the pages that were asked for, and of the lists of users that came along. */
    asked: [] as { limit: number; userIds: number; found: number; afterId: string }[],
    before: async (): Promise<void> => {},
  };
  const matching = (userIds: readonly string[]) => {
    const wanted = new Set(userIds);
    return people.ids.filter((id) => wanted.size === 0 || wanted.has(id));
  };
  const service = teller("user", [AudienceService, UserService], [UserDeletedSchema], {
    selectUsers: async ({
      userIds,
      afterId,
      limit,
    }: {
      userIds: string[];
      afterId: string;
      limit: number;
    }) => {
      await people.before();
      const found = matching(userIds)
        .filter((id) => id > afterId)
        .slice(0, limit);
      people.asked.push({ limit, userIds: userIds.length, found: found.length, afterId });
      return { userIds: found, lastId: found.at(-1) ?? "", isLast: found.length < limit };
    },
    getProfile: async () => {
      await people.before();
      return { user: { profile: { displayName: "Kofi's pots" } } };
    },
    countUsers: async ({ userIds }: { userIds: string[] }) => ({ count: BigInt(matching(userIds).length) }),
  });
  return { people, service };
}

/** A notification service that makes each notification once, and says of it what tests want. */
function createPost() {
  const post = {
    /** Requests by their key: each is one notification. */
    made: new Map<string, { id: string; request: SendNotificationRequest }>(),
    calls: 0,
    atOnce: 0,
    mostAtOnce: 0,
    before: async (_request: SendNotificationRequest): Promise<void> => {},
    after: async (_request: SendNotificationRequest, _id: string): Promise<void> => {},
    deliveries: (
      _request: SendNotificationRequest,
    ): { channel: Channel; status: DeliveryStatus; reason?: string }[] => [
      { channel: Channel.EMAIL, status: DeliveryStatus.QUEUED },
    ],
    /** Those who got something, once for each notification. */
    recipients: () => [...post.made.values()].map(({ request }) => request.userId).sort(),
    idFor: (userId: string) => [...post.made.values()].find(({ request }) => request.userId === userId)!.id,
  };
  const service = teller(
    "notification",
    [NotificationService, TemplateService],
    [NotificationSentSchema, NotificationFailedSchema],
    {
      previewTemplate: async ({ name }: { name: string }) => ({ builtIn: name === "order_confirmed" }),
      sendNotification: async (request: SendNotificationRequest) => {
        post.calls++;
        post.mostAtOnce = Math.max(post.mostAtOnce, ++post.atOnce);
        try {
          await post.before(request);
          const key = request.idempotencyKey;
          const { id } = post.made.get(key) ?? { id: newId() };
          post.made.set(key, { id, request });
          await post.after(request, id);
          return {
            notification: { id, userId: request.userId },
            deliveries: post.deliveries(request).map((it) => ({ ...it, notificationId: id })),
          };
        } finally {
          post.atOnce--;
        }
      },
    },
  );
  return { post, service };
}

/** A security service that permits everything but what tests take from somebody. */
function createRights() {
  const rights = {
    /** As `<user> <permission>`. */
    lost: new Set<string>(),
    asked: [] as string[],
    isAway: false,
    before: async (): Promise<void> => {},
  };
  const service = teller("security", [ThreatService, PermissionService], [SecurityAlertSchema], {
    checkPermission: async ({ userId, permission }: { userId: string; permission: string }) => {
      const question = `${userId} ${permission}`;
      rights.asked.push(question);
      await rights.before();
      if (rights.isAway) throw fail.unavailable("away", "the security service is away");
      return { allowed: !rights.lost.has(question) };
    },
  });
  return { rights, service };
}

export interface WorldOptions {
  env?: Record<string, string>;
  /** The user and notification services as they are, and not those that tests lead. */
  real?: boolean;
  /** The hosted instance answers calls, and leaves all else to replicas. */
  idle?: boolean;
}

type NewBroadcast = MessageInitShape<typeof CreateBroadcastRequestSchema>;

export async function createBroadcastWorld({ env = {}, real = false, idle = false }: WorldOptions = {}) {
  const clock = {
    aheadMs: 0,
    /** When set, no time passes but what tests let pass. */
    frozenAt: undefined as number | undefined,
    now: () => (clock.frozenAt ?? Date.now()) + clock.aheadMs,
    pass: (ms: number) => {
      clock.aheadMs += ms;
    },
  };
  const { people, service: users } = createPeople();
  const { post, service: letters } = createPost();
  const { rights, service: security } = createRights();
  const orders = teller("order", [OrderService], [OrderStatusUpdatedSchema]);
  const others = real
    ? [
        teller("product", [ProductService], [ProductStockUpdatedSchema]).definition,
        createQueueService({ paceMs: 20 }),
      ]
    : [];
  const sandbox = real ? await startMessagesSandbox() : undefined;
  let given: Setup<never, never> | undefined;
  let userEvents: Events | undefined;
  const definition = createBroadcastService({ now: clock.now, paceMs: 20 });
  const user: ServiceDefinition = createUserService();
  const host = await hostInMemory(
    [
      orders.definition,
      security.definition,
      ...others,
      real
        ? {
            ...user,
            setup: (setup) => {
              userEvents = setup.events;
              return user.setup(setup);
            },
          }
        : users.definition,
      real ? createNotificationService() : letters.definition,
      {
        ...definition,
        setup: (setup) => {
          given = setup as never;
          return definition.setup(idle ? { ...setup, stopping: AbortSignal.abort() } : setup);
        },
      },
    ],
    { env: { ...Object.assign({}, ...(sandbox?.providers ?? [])), ...env } },
  );
  const setup = given as unknown as Setup<never, never>;
  const sql = postgres(host.databaseUrl("broadcast"), { max: 4, onnotice: () => {} });
  const replicas: { stopping: AbortController; running: Running; fate: Fate }[] = [];
  const started: Replica[] = [];
  const of = (who: UserIdentity) => host.client(BroadcastService, { caller: { user: who } });

  const world = {
    clock,
    host,
    sql,
    setup,
    people,
    post,
    rights,
    of,
    /** Those that were started beside the hosted instance. */
    replicas: started,
    tellNotification: letters.tell,
    /** So many people with accounts. */
    crowd: (count: number): string[] => {
      const ids = Array.from({ length: count }, () => newId());
      people.ids = [...people.ids, ...ids].sort();
      return ids.sort();
    },
    create: async (who: UserIdentity, more: NewBroadcast = {}) => {
      const words = { case: "words", value: { subject: "Sale 🧺", text: "كل شيء" } } as const;
      const request = { name: "Spring", topic: "news", segment: {}, content: words, ...more };
      return (await of(who).createBroadcast(request as NewBroadcast)).broadcast!;
    },
    /** Scheduled for now. */
    send: async (who: UserIdentity, more: NewBroadcast = {}) => {
      const { id } = await world.create(who, more);
      await of(who).scheduleBroadcast({ id });
      return id;
    },
    get: async (id: string) => (await of(admin).getBroadcast({ id })).broadcast!,
    status: async (id: string) => BroadcastStatus[(await world.get(id)).status],
    becomes: (id: string, status: keyof typeof BroadcastStatus, stepMs = 0) =>
      eventually(async () => {
        const is = await world.status(id);
        if (is !== status) clock.pass(stepMs);
        return is;
      }).toBe(status),
    stats: async (id: string) => {
      const { stats } = await of(admin).getBroadcastStats({ id });
      const { recipients, waiting, sent, failed, skipped } = stats!;
      return [recipients, waiting, sent, failed, skipped].map(Number);
    },
    /** Until it stands so. When a busy machine turned a call away, it is tried again later: for that time passes. */
    reaches: (id: string, stats: readonly number[]) =>
      eventually(async () => {
        const failing = await sql`select 1 from broadcasts where id = ${id} and failing_since is not null`;
        if (failing.length > 0) clock.pass(100);
        return world.stats(id);
      }).toEqual(stats),
    recipients: async (id: string) => {
      const { recipients } = await of(admin).listRecipients({ id, pageSize: 500 });
      return recipients.map(({ userId, status, reason }) =>
        [userId, RecipientStatus[status], ...(reason ? [reason] : [])].join(" "),
      );
    },
    /** What was told of it, in order. */
    told: async (id: string) => {
      const rows = await sql<{ data: Uint8Array; subject: string }[]>`
        select data, subject from weft_outbox order by position`;
      return rows.flatMap(({ data, subject }) => {
        if (subject.endsWith("broadcast.started")) {
          const it = fromBinary(BroadcastStartedSchema, data);
          return it.broadcastId === id ? [`started ${it.recipients}`] : [];
        }
        const it = fromBinary(BroadcastCompletedSchema, data);
        const counts = `${it.sent} ${it.failed} ${it.skipped}`;
        return it.broadcastId === id ? [`${it.cancelled ? "cancelled" : "completed"} ${counts}`] : [];
      });
    },
    order: (
      sellerId: string,
      customerId: string,
      status: OrderStatus = OrderStatus.PAID,
      orderId: string = newId(),
    ) => orders.tell(OrderStatusUpdatedSchema, { orderId, sellerId, customerId, status }).then(() => orderId),
    customers: async (ownerId: string) =>
      (
        await sql<{ userId: string; orders: number }[]>`
          select user_id as "userId", orders from customers where owner_id = ${ownerId} order by user_id`
      ).map(({ userId, orders: count }) => `${userId} ${count}`),
    /** They have bought from the seller, as if orders had told. */
    bought: (ownerId: string, userIds: readonly string[], orderCount = 1) => sql`
      insert into customers (owner_id, user_id, orders, last_order_at)
      select ${ownerId}, unnest(${userIds as string[]}::uuid[]), ${orderCount}, now()`,
    deleteUser: (userId: string) => {
      people.ids = people.ids.filter((id) => id !== userId);
      return real
        ? userEvents!.publish(UserDeletedSchema, { userId })
        : users.tell(UserDeletedSchema, { userId });
    },
    /** Another instance over the same stores, which may be killed. */
    startReplica: async (asks: (method: string, replica: Replica) => void = () => {}): Promise<Replica> => {
      const stopping = new AbortController();
      const fate: Fate = { dead: false };
      const replica: Replica = {
        kill: () => {
          fate.dead = true;
          stopping.abort();
        },
      };
      const running = await definition.setup({
        ...setup,
        db: mortalDatabase(setup.db, fate),
        calls: watched(setup.calls, (method) => asks(method, replica)),
        metrics: silentMetrics(setup),
        health: silentHealth(setup),
        stopping: stopping.signal,
      } as never);
      replicas.push({ stopping, running, fate });
      started.push(replica);
      return replica;
    },
    metric: async (name: string, labels: Record<string, string> = {}): Promise<number> => {
      const samples = (await setup.metrics.read()).flatMap((family) => family.samples);
      const fits = (it: (typeof samples)[number]) =>
        it.name === name && Object.entries(labels).every(([label, value]) => it.labels[label] === value);
      return samples.filter(fits).reduce((sum, { value }) => sum + value, 0);
    },
    health: async () => (await setup.health.report()).dependencies.broadcasts,
    /** Nobody is there, and all is well. */
    mend: () => {
      const fresh = createPost().post;
      post.made.clear();
      Object.assign(post, { calls: 0, mostAtOnce: 0, before: fresh.before, after: fresh.after });
      post.deliveries = fresh.deliveries;
      people.ids = [];
      people.asked = [];
      people.before = async () => {};
      rights.lost.clear();
      Object.assign(rights, { asked: [], isAway: false, before: async () => {} });
      clock.frozenAt = undefined;
    },
    async [Symbol.asyncDispose]() {
      world.mend();
      for (const { stopping, running, fate } of replicas) {
        stopping.abort();
        if (!fate.dead) await running.stop?.();
      }
      await sql.end();
      await host.stop();
      await sandbox?.close();
    },
  };
  return world;
}

export type BroadcastWorld = Awaited<ReturnType<typeof createBroadcastWorld>>;

export interface Replica {
  /** It neither goes on nor fails, as one that is gone. */
  kill(): void;
}

interface Fate {
  dead: boolean;
}

const forever = () => new Promise<never>(() => {});

class Killed extends Error {}

/** Transactions of one that is killed do not happen, and it does not learn that. */
const mortalDatabase = (db: Setup<never, never>["db"], fate: Fate): Setup<never, never>["db"] => ({
  ...db,
  sql: new Proxy(db.sql, {
    apply: (target, self, args) => (fate.dead ? forever() : Reflect.apply(target, self, args)),
  }),
  async transaction(work) {
    if (fate.dead) return forever();
    try {
      return await db.transaction(async (tx) => {
        const done = await work(tx);
        if (fate.dead) throw new Killed();
        return done;
      });
    } catch (error) {
      if (error instanceof Killed) return forever();
      throw error;
    }
  },
});

/** Clients that tell of each call before it is made. */
function watched<T extends object>(clients: T, asks: (method: string) => void): T {
  const watch = (client: object) =>
    new Proxy(client, {
      get:
        (target, name) =>
        (...args: unknown[]) => {
          asks(String(name));
          return (Reflect.get(target, name) as (...args: unknown[]) => unknown)(...args);
        },
    });
  return Object.fromEntries(Object.entries(clients).map(([name, it]) => [name, watch(it)])) as T;
}
