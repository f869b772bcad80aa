import { broadcastFacts } from "./broadcast.ts";
import type { Mapping } from "./fact.ts";
import { notificationFacts } from "./notification.ts";
import { orderFacts } from "./order.ts";
import { paymentFacts } from "./payment.ts";
import { productFacts } from "./product.ts";
import { securityFacts } from "./security.ts";
import { thresholdFacts } from "./threshold.ts";
import { userFacts } from "./user.ts";

/** What is counted of each service, by its name. */
export const mappings: Readonly<Record<string, readonly Mapping[]>> = {
  user: userFacts,
  product: productFacts,
  order: orderFacts,
  payment: paymentFacts,
  notification: notificationFacts,
  broadcast: broadcastFacts,
  security: securityFacts,
  analytics: thresholdFacts,
};

/** Told to those who look right now, and stored nowhere. */
export const liveOnly: readonly string[] = ["notification.v1.NotificationArrived"];
