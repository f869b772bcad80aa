import type { MessageInitShape } from "@bufbuild/protobuf";
import { fromBinary } from "@bufbuild/protobuf";
import postgres from "postgres";
import { ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import { ThresholdService } from "#gen/analytics/v1/thresholds_pb.js";
import { NotificationFailedSchema, NotificationSentSchema } from "#gen/notification/v1/events_pb.js";
import type { Delivery, SendNotificationRequestSchema } from "#gen/notification/v1/notification_pb.js";
import { Channel, DeliveryStatus, NotificationService } from "#gen/notification/v1/notification_pb.js";
import { PreferenceService } from "#gen/notification/v1/preferences_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderService } from "#gen/order/v1/order_pb.js";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import { PaymentService } from "#gen/payment/v1/payment_pb.js";
import { ProductStockUpdatedSchema } from "#gen/product/v1/events_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Caller, Setup, UserIdentity } from "#mesh";
import { fail } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import type { MessagesSandboxOptions } from "../../sandbox/messages/start.ts";
import { startMessagesSandbox } from "../../sandbox/messages/start.ts";
import type { PostPush } from "../../services/notification/providers/push-post.ts";
import { createNotificationService } from "../../services/notification/service.ts";
import { createQueueService } from "../../services/queue/service.ts";
import { eventually, service, testClock, userWith } from "./kit.ts";
import { teller } from "./teller.ts";

export { eventually, refusal, service, userWith } from "./kit.ts";

export const admin = userWith("notification:*");
type Sent = Omit<
  Extract<MessageInitShape<typeof SendNotificationRequestSchema>, { $typeName?: never }>,
  "$typeName"
>;

interface Person {
  readonly email: string;
  readonly phone?: string;
  readonly locale?: string;
  readonly timeZone?: string;
}

export interface WorldOptions {
  env?: Record<string, string>;
  /** Without, no provider is configured. */
  sandbox?: MessagesSandboxOptions | false;
  postPush?: PostPush;
  paceMs?: number;
}

export async function createNotificationWorld(options: WorldOptions = {}) {
  const { env = {}, sandbox: outside = {}, postPush, paceMs = 60_000 } = options;
  const clock = testClock();
  const people = new Map<string, Person>();
  const directory = { asked: 0, down: false };
  const users = teller("user", [UserService], [UserDeletedSchema], {
    getUser: async ({ id }: { id: string }) => {
      directory.asked++;
      // What says UNAVAILABLE opens circuit breakers, which other tests would meet.
      if (directory.down) throw fail.aborted("down", "the user service cannot tell");
      const person = people.get(id);
      if (!person) throw fail.notFound("user_not_found", "no user has this id");
      const { email, ...profile } = person;
      return { user: { id, email, profile } };
    },
  });
  const orders = teller("order", [OrderService], [OrderStatusUpdatedSchema]);
  const payments = teller("payment", [PaymentService], [PaymentRefundedSchema]);
  const products = teller("product", [ProductService], [ProductStockUpdatedSchema]);
  const analytics = teller("analytics", [ThresholdService], [ThresholdReachedSchema]);
  const security = teller("security", [ThreatService], [SecurityAlertSchema]);
  const sandbox = outside === false ? undefined : await startMessagesSandbox(outside);
  const box = sandbox ?? (undefined as unknown as NonNullable<typeof sandbox>);
  let given: Setup<never, never> | undefined;
  const definition = createNotificationService({
    now: clock.now,
    paceMs,
    ...(postPush && { postPush }),
  });
  const host = await hostInMemory(
    [
      users.definition,
      orders.definition,
      payments.definition,
      products.definition,
      analytics.definition,
      security.definition,
      createQueueService({ now: clock.now, random: () => 1, paceMs: 20 }),
      {
        ...definition,
        setup: (setup) => {
          given = setup as never;
          return definition.setup(setup);
        },
      },
    ],
    { env: { ...Object.assign({}, ...(sandbox?.providers ?? [])), ...env } },
  );
  const setup = given as unknown as Setup<never, never>;
  const sql = postgres(host.databaseUrl("notification"), { max: 4, onnotice: () => {} });

  const world = {
    clock,
    host,
    sql,
    setup,
    sandbox: box,
    people,
    directory,
    tell: {
      user: users.tell,
      order: orders.tell,
      payment: payments.tell,
      product: products.tell,
      analytics: analytics.tell,
      security: security.tell,
    },
    /** Somebody with an account. */
    person: (more: Partial<Person> = {}, ...permissions: string[]): UserIdentity => {
      const user = userWith(...permissions);
      people.set(user.id, { email: `u${user.id}@example.com`, ...more });
      return user;
    },
    emailOf: (user: UserIdentity) => people.get(user.id)!.email,
    as: (caller: Caller) => host.client(NotificationService, { caller }),
    of: (user: UserIdentity) => host.client(NotificationService, { caller: { user } }),
    templates: (user: UserIdentity = admin) => host.client(TemplateService, { caller: { user } }),
    preferences: (user: UserIdentity) => host.client(PreferenceService, { caller: { user } }),
    send: async (
      user: UserIdentity,
      more: Partial<Sent> = {},
      { caller = service("order"), key }: { caller?: Caller; key?: string } = {},
    ) => {
      const content = words("Hello 🧺", "How is كل شيء?");
      const request = { userId: user.id, topic: "news", content, ...more } as Sent;
      const headers = key === undefined ? {} : { "idempotency-key": key };
      return world.as(caller).sendNotification(request, { headers });
    },
    deliveries: async (notificationId: string): Promise<Delivery[]> =>
      (await world.of(admin).listDeliveries({ notificationId })).deliveries,
    statuses: async (notificationId: string): Promise<string[]> =>
      (await world.deliveries(notificationId)).map(
        ({ channel, status, reason }) =>
          `${Channel[channel]} ${DeliveryStatus[status]}${reason ? ` ${reason}` : ""}`,
      ),
    list: async (user: UserIdentity) =>
      (await world.of(user).listNotifications({ userId: user.id })).notifications,
    mails: (user: UserIdentity) => box.messages(world.emailOf(user)),
    /** What was told of a notification, in order. */
    told: async (id: string): Promise<string[]> => {
      const rows = await sql<{ data: Uint8Array; subject: string }[]>`
        select data, subject from weft_outbox where stream not like '%jobs' order by position`;
      return rows.flatMap(({ data, subject }) => {
        if (subject.endsWith("notification.sent")) {
          const it = fromBinary(NotificationSentSchema, data);
          return it.notificationId === id ? [`sent ${Channel[it.channel]} ${it.provider}`] : [];
        }
        if (!subject.endsWith("notification.failed")) return [];
        const it = fromBinary(NotificationFailedSchema, data);
        return it.notificationId === id ? [`failed ${Channel[it.channel]} ${it.reason}`] : [];
      });
    },
    /** Until the deliveries are so, while time goes by for what is tried again. */
    becomes: async (id: string, wanted: string[], stepMs = 0) => {
      await eventually(async () => {
        const are = await world.statuses(id);
        if (String(are) !== String(wanted)) clock.pass(stepMs);
        return are;
      }).toEqual(wanted);
    },
    async [Symbol.asyncDispose]() {
      await sql.end();
      await host.stop();
      await sandbox?.close();
    },
  };
  return world;
}

export type NotificationWorld = Awaited<ReturnType<typeof createNotificationWorld>>;

export const words = (subject: string, text = subject) =>
  ({ case: "words", value: { subject, text } }) as const;
export const template = (name: string, variables: Record<string, string> = {}) =>
  ({ case: "template", value: { name, variables } }) as const;
