import { DeliverEmailSchema, DeliverPushSchema, DeliverSmsSchema } from "#gen/notification/v1/jobs_pb.js";
import { NotificationService } from "#gen/notification/v1/notification_pb.js";
import { PreferenceService } from "#gen/notification/v1/preferences_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Running, Setup } from "#mesh";
import { handlers, inBatches, job, startLoop } from "#mesh";
import type { notificationFields } from "./config.ts";
import { consumers } from "./consumers.ts";
import { countOverdue } from "./deliveries-store.ts";
import { createDelivering } from "./delivering.ts";
import { createNotificationMetrics } from "./notification-metrics.ts";
import { notifications } from "./notifications.ts";
import { dropOld } from "./notifications-store.ts";
import { preferences } from "./preferences.ts";
import { openProviders } from "./providers/open-providers.ts";
import type { PostPush } from "./providers/push-post.ts";
import { createPostPush } from "./providers/push-post.ts";
import { createPushServices } from "./providers/push-services.ts";
import { pushWay } from "./push-way.ts";
import { createRecipients } from "./recipients.ts";
import { createSend } from "./sending.ts";
import { createStream } from "./stream.ts";
import { templates } from "./templates.ts";
import { createUnsubscribeLinks, readLinkKey } from "./unsubscribe-links.ts";
import { emailWay, smsWay } from "./ways.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  /** How often a stream looks for what nobody told it of. Default 5 s. */
  paceMs: number;
  /** Takes encrypted messages to push services. Default: over the internet. */
  postPush: PostPush;
}

export const peerContracts = { users: UserService };

type Given = Setup<typeof peerContracts, typeof notificationFields>;

const minuteMs = 60_000;
/** From then on somebody should look: eight attempts take ten minutes. */
const overdueMs = 20 * minuteMs;
const dropBatch = 500;

/** Puts the parts together. */
export const setUp =
  ({ now = Date.now, paceMs = 5000, postPush }: Partial<World>) =>
  async ({
    db,
    calls,
    events,
    jobs,
    live,
    config,
    log,
    metrics: all,
    health,
    stopping,
  }: Given): Promise<Running> => {
    const metrics = createNotificationMetrics(all);
    const recipient = createRecipients(calls.users);
    const { email, sms, vapid } = openProviders(config);
    const pushServices = createPushServices(config.NOTIFICATION_PUSH_SERVICES);
    const post = postPush ?? createPostPush(pushServices, config.NOTIFICATION_PROVIDER_TIMEOUT);
    const links = createUnsubscribeLinks(await readLinkKey(db.sql), config.NOTIFICATION_PUBLIC_URL);
    const ways = { email: emailWay(email, links), sms: smsWay(sms), push: pushWay({ db, vapid, post }) };

    const send = createSend({ db, recipient, events, jobs, live, metrics, now });
    const deliver = createDelivering({ db, events, recipient, ways, metrics, now });
    const stream = createStream({ db, live, paceMs, log });

    health.add({
      name: "deliveries",
      critical: false,
      check: async () => {
        const count = await countOverdue(db.sql, new Date(now() - overdueMs));
        if (count > 0) {
          throw new Error(
            `${count} deliveries are overdue; see the queue notification_delivery and its workers`,
          );
        }
      },
    });

    const cleaning = startLoop({
      everyMs: minuteMs,
      stopping,
      work: async () => {
        const before = new Date(now() - config.NOTIFICATION_KEEP);
        await inBatches(dropBatch, stopping, (limit) => dropOld(db.sql, before, limit));
      },
      failed: (err) => log.warn({ err }, "old notifications could not be removed; tried again later"),
    });

    return {
      rpc: [
        handlers(
          NotificationService,
          notifications({ db, send, stream, pushKey: vapid?.publicKey, pushServices, now }),
        ),
        handlers(TemplateService, templates({ db, now })),
        handlers(PreferenceService, preferences({ db, links })),
      ],
      on: consumers({ send }),
      jobs: [
        job(DeliverEmailSchema, deliver("email"), { concurrency: 8 }),
        job(DeliverSmsSchema, deliver("sms")),
        job(DeliverPushSchema, deliver("push")),
      ],
      stop: async () => {
        await cleaning.ended;
        email?.close();
        sms?.close();
      },
    };
  };
