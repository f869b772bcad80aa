import type { Database } from "#mesh";
import { Refused, Unavailable } from "./providers/provider.ts";
import type { PostPush } from "./providers/push-post.ts";
import type { Vapid } from "./providers/web-push.ts";
import { pushTo } from "./providers/web-push.ts";
import type { SubscriptionRow } from "./subscriptions-store.ts";
import { dropGone, subscriptionsOf } from "./subscriptions-store.ts";
import { clip, spokenBy } from "./text.ts";
import type { Way } from "./ways.ts";

export interface PushWayOptions {
  db: Database;
  /** Nothing: no push is sent. */
  vapid: Vapid | undefined;
  post: PostPush;
}

/** Push services take 4096 bytes (RFC 8030 §7.2), and a character has up to three, or six where JSON escapes it. */
const mostChars = { subject: 100, text: 400, link: 150 };

/** To each browser of a user; to have reached one is to have reached the user. */
export function pushWay({ db, vapid, post }: PushWayOptions): Way {
  return {
    provider: vapid ? "web_push" : "",
    async carry([parcel], _to, signal) {
      if (!vapid) return { kind: "skipped", reason: "not_configured" };
      if (!parcel) return { kind: "skipped", reason: "no_address" };
      const { notificationId: id, voice, subject, text, link } = parcel;
      const message = {
        id,
        subject: clip(spokenBy(voice, subject), mostChars.subject),
        text: clip(text, mostChars.text),
        link: link.length > mostChars.link ? "" : link,
      };
      const push = async (browser: SubscriptionRow): Promise<Reached> => {
        try {
          const { status, text: said } = await pushTo(vapid, post, browser, message, signal);
          if (status === 404 || status === 410) await dropGone(db.sql, browser);
          return { state: stateOf(status), answer: `${status} ${said}`.trim() };
        } catch (error) {
          if (!(error instanceof Unavailable)) throw error;
          return { state: "away", answer: error.answer };
        }
      };
      const reached = await Promise.all((await subscriptionsOf(db.sql, parcel.userId)).map(push));
      const [taken, away, refused] = (["taken", "away", "refused"] as const).map((state) =>
        reached.filter((it) => it.state === state),
      ) as [Reached[], Reached[], Reached[]];
      if (taken[0]) {
        return {
          kind: "sent",
          receipt: { reference: "", answer: `${taken.length} of ${reached.length} browsers` },
        };
      }
      if (away[0]) throw new Unavailable(away[0].answer);
      if (refused[0]) throw new Refused(refused[0].answer);
      return { kind: "skipped", reason: "no_address" };
    },
  };
}

interface Reached {
  readonly state: "taken" | "gone" | "refused" | "away";
  readonly answer: string;
}

function stateOf(status: number): Reached["state"] {
  if (status >= 200 && status < 300) return "taken";
  if (status === 404 || status === 410) return "gone";
  // Of the others that are said of the request, such as that the browser listens to another key, none passes.
  const passes = status === 408 || status === 429;
  return status >= 400 && status < 500 && !passes ? "refused" : "away";
}
