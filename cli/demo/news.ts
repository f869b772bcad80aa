import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BroadcastStatus } from "#gen/broadcast/v1/broadcast_pb.js";
import type { Product } from "#gen/product/v1/product_pb.js";
import { fail } from "#mesh/errors.ts";
import { derivedId } from "#mesh/id.ts";
import { until } from "./patience.ts";
import type { Person } from "./person.ts";

/** Sends news to all who bought from a seller, under a key that makes a second run the same news. */
export async function sendNews({ broadcasts }: Person, key: string): Promise<number> {
  const audience = async () => (await broadcasts.previewAudience({ segment: {} })).count;
  // Who bought is told by events, which take a moment.
  await until(async () => (await audience()) > 0n);
  const words = { subject: "New from the kiln", text: "Small pots are back, in two colours. Come and see." };
  const { broadcast } = await broadcasts.createBroadcast(
    { name: "Spring news", topic: "news", segment: {}, content: { case: "words", value: words } },
    { headers: { "idempotency-key": key } },
  );
  if (!broadcast) throw fail.internal("demo_failed", "the news of the demonstration is not there");
  const { id } = broadcast;
  const statusOf = async () => (await broadcasts.getBroadcast({ id })).broadcast?.status;
  if ((await statusOf()) === BroadcastStatus.DRAFT) await broadcasts.scheduleBroadcast({ id });
  await until(async () => (await statusOf()) === BroadcastStatus.COMPLETED);
  return Number((await broadcasts.getBroadcastStats({ id })).stats?.sent ?? 0n);
}

const hourMs = 3_600_000;
const looks = 40;

/** Looks at products over the last days, so that there are figures; what was counted before is not again. */
export async function lookAround(
  { email, analytics }: Person,
  products: readonly Product[],
  now: number,
): Promise<number> {
  const events = Array.from({ length: looks }, (_, n) => ({
    id: derivedId(`${email} looks ${n}`),
    name: "product_viewed",
    // Now and then, and most of all lately.
    occurredAt: timestampFromMs(now - Math.round(n * n * 0.25 * hourMs)),
    subjectType: "product",
    subjectId: products[(n * n + email.length) % products.length]?.id ?? "",
    tags: [n % 3 === 0 ? "kitchen" : "gifts"],
  }));
  const { counted, known } = await analytics.trackEvents({ events });
  return counted + known;
}
