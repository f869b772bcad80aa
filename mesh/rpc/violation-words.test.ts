import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Channel, SendNotificationRequestSchema } from "#gen/notification/v1/notification_pb.js";
import { OrderStatus, UpdateOrderStatusRequestSchema } from "#gen/order/v1/order_pb.js";
import { UserFilterSchema } from "#gen/user/v1/audience_pb.js";
import { validate } from "./validate.ts";

const wrong = <D extends DescMessage>(schema: D, init: MessageInitShape<D>): string => {
  const message = create(schema, init);
  try {
    validate(schema, message);
  } catch (error) {
    return (error as { rawMessage: string }).rawMessage;
  }
  return "";
};
const id = "019aa0b6-7a5c-7000-8000-000000000000";
const sent = {
  userId: id,
  topic: "news",
  content: { case: "words", value: { subject: "a", text: "b" } },
} as const;

test("a pattern is told in the words of its contract, also of the items of a list", () => {
  expect(wrong(SendNotificationRequestSchema, { ...sent, topic: "My news" })).toBe(
    "topic: must be a name such as `order.news`: small letters, digits, `.`, `_` and `-`, a letter first, at most 63",
  );
  expect(wrong(UserFilterSchema, { locales: ["fr", "?"] })).toBe(
    "locales[1]: must be a language such as `en` or `fr-CI` (BCP 47)",
  );
});

test("values of an enum are told by their names, those alone that may be given", () => {
  const channels = [Channel.EMAIL, 99 as Channel];
  expect(wrong(SendNotificationRequestSchema, { ...sent, channels })).toBe(
    "channels[1]: must be one of CHANNEL_EMAIL, CHANNEL_SMS, CHANNEL_PUSH, CHANNEL_IN_APP",
  );
  expect(wrong(UpdateOrderStatusRequestSchema, { id, status: OrderStatus.PAID })).toBe(
    "status: must be one of ORDER_STATUS_PROCESSING, ORDER_STATUS_SHIPPED, ORDER_STATUS_DELIVERED",
  );
});

test("fields of which one must be given are named", () => {
  expect(wrong(SendNotificationRequestSchema, { userId: id, topic: "news" })).toBe(
    "content: one of template, words must be given",
  );
});

test("all else is told in the words of the rules", () => {
  expect(wrong(SendNotificationRequestSchema, { ...sent, userId: "x" })).toBe(
    "user_id: must be a valid UUID",
  );
});
