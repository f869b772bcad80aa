import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SendNotificationRequestSchema } from "#gen/notification/v1/notification_pb.js";
import { reasonOf } from "../errors.ts";
import { idempotencyKey, requestHash, requireSame } from "./idempotency-key.ts";

const keyOf = (key: string | undefined, said?: string) =>
  idempotencyKey({ requestHeader: new Headers(key === undefined ? {} : { "idempotency-key": key }) }, said);
const reason = (work: () => unknown) => {
  try {
    work();
    return "none";
  } catch (error) {
    return reasonOf(error);
  }
};

test("the key is that of the header, else what the message says, and is made of visible characters", () => {
  expect([keyOf("k"), keyOf("k", "said"), keyOf(undefined, "said"), keyOf(undefined)]).toEqual([
    "k",
    "k",
    "said",
    undefined,
  ]);
  for (const bad of ["", "a b", "é", "k".repeat(256)]) {
    expect(
      reason(() => keyOf(bad)),
      bad,
    ).toBe("idempotency_key_invalid");
  }
});

test("a request is the same in whatever order its maps are, and another one is not", () => {
  const hash = (variables: Record<string, string>, topic = "news") =>
    requestHash(
      SendNotificationRequestSchema,
      create(SendNotificationRequestSchema, {
        topic,
        content: { case: "template", value: { name: "sale", variables } },
      }),
    );
  const first = hash({ a: "1", b: "2" });
  requireSame(first, hash({ b: "2", a: "1" }));
  for (const other of [hash({ a: "2", b: "1" }), hash({ a: "1", b: "2" }, "orders"), null]) {
    expect(reason(() => requireSame(first, other))).toBe("idempotency_key_reused");
  }
});
