import { ThresholdReachedSchema } from "#gen/analytics/v1/events_pb.js";
import { OrderStatusUpdatedSchema } from "#gen/order/v1/events_pb.js";
import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentRefundedSchema } from "#gen/payment/v1/events_pb.js";
import { ProductStockUpdatedSchema } from "#gen/product/v1/events_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { Query, Subscription } from "#mesh";
import { canonicalId, cleanText, on, reasonOf } from "#mesh";
import type { BuiltIn } from "./built-in.ts";
import { forgetUser } from "./inboxes-store.ts";
import { writeFigure, writeMoney } from "./money.ts";
import { noRecipient } from "./refusals.ts";
import type { Send } from "./sending.ts";
import type { Variables } from "./template-text.ts";

const toldOf: Partial<Record<OrderStatus, BuiltIn>> = {
  [OrderStatus.PAID]: "order_confirmed",
  [OrderStatus.FAILED]: "order_failed",
  [OrderStatus.CANCELLED]: "order_cancelled",
  [OrderStatus.REFUNDED]: "order_refunded",
};

interface Told {
  readonly userId: string;
  readonly topic: string;
  readonly template: BuiltIn;
  readonly variables: (locale: string) => Variables;
  readonly link?: string;
  readonly urgent?: boolean;
  /** What is told once, however many events say so. */
  readonly key: string;
}

/** What people are told of what happens elsewhere. */
export function consumers({ send }: { send: Send }): Subscription[] {
  const tell = async (tx: Query, told: Told) => {
    const { userId, topic, template, variables, link = "", urgent = false, key } = told;
    const content = { kind: "built_in", name: template, variables } as const;
    const words = { topic, channels: [], content, link, voice: "", urgent };
    try {
      await send({ userId: canonicalId(userId), ...words, sender: "events", key, hash: null }, tx);
    } catch (error) {
      // An account may be gone before an event about it comes.
      if (reasonOf(error) !== noRecipient().reason) throw error;
    }
  };

  return [
    on(
      OrderStatusUpdatedSchema,
      async (message, { tx }) => {
        const { orderId, orderNumber, customerId, status, reason, total } = message;
        const template = toldOf[status];
        if (!template) return;
        await tell(tx, {
          userId: customerId,
          topic: "orders",
          template,
          link: `/orders/${orderId}`,
          key: `${template}/${orderId}`,
          variables: (locale) => ({
            order_id: orderId,
            order_number: orderNumber || orderId,
            reason: cleanText(reason),
            total: total ? writeMoney(total, locale) : "",
          }),
        });
      },
      { when: ({ status, customerId, answered }) => status in toldOf && customerId !== "" && !answered },
    ),

    on(PaymentRefundedSchema, async (message, { tx }) => {
      const { refundId, orderId, orderNumber, customerId, amount, inFull } = message;
      // Of all of it the order itself tells.
      if (inFull || customerId === "" || !amount) return;
      await tell(tx, {
        userId: customerId,
        topic: "orders",
        template: "payment_refunded",
        link: `/orders/${orderId}`,
        key: `payment_refunded/${refundId}`,
        variables: (locale) => ({
          order_id: orderId,
          order_number: orderNumber || orderId,
          amount: writeMoney(amount, locale),
        }),
      });
    }),

    on(
      ProductStockUpdatedSchema,
      async (message, { tx, id }) => {
        const { productId, variantId, sellerId, available, productName, variantName } = message;
        await tell(tx, {
          userId: sellerId,
          topic: "stock",
          template: "low_stock",
          link: `/products/${productId}`,
          key: id,
          variables: () => ({
            product_id: productId,
            product_name: [productName, variantName].filter((it) => it !== "").join(", ") || productId,
            variant_id: variantId,
            available: `${available}`,
          }),
        });
      },
      { when: ({ becameLow, sellerId }) => becameLow && sellerId !== "" },
    ),

    on(ThresholdReachedSchema, async ({ ownerId, name, metric, value, limit, currency }, { tx, id }) => {
      if (ownerId === "") return;
      await tell(tx, {
        userId: ownerId,
        topic: "analytics",
        template: "threshold_reached",
        key: id,
        variables: (locale) => ({
          name: cleanText(name),
          metric,
          value: writeFigure(value, currency, locale),
          limit: writeFigure(limit, currency, locale),
        }),
      });
    }),

    on(SecurityAlertSchema, async ({ userId, description, occurrences }, { tx, id }) => {
      if (userId === "") return;
      await tell(tx, {
        userId,
        topic: "security",
        template: "security_alert",
        urgent: true,
        key: id,
        variables: () => ({ description: cleanText(description), occurrences: `${occurrences}` }),
      });
    }),

    on(UserDeletedSchema, ({ userId }, { tx }) => forgetUser(tx, canonicalId(userId))),
  ];
}
