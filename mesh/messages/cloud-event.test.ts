import fc from "fast-check";
import { expect, test } from "vitest";
import { headersOf } from "../nats/headers.ts";
import { cloudEventHeaders, headOf } from "./cloud-event.ts";

const base = {
  id: "0",
  source: "user",
  type: "user.v1.UserCreated",
  nowMs: 0,
  correlationId: "",
  traceparent: "",
};

test("whatever the key and the correlation id are, they arrive as they were", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 50 }),
      fc.string({ maxLength: 50 }),
      (key, correlationId) => {
        const pairs = cloudEventHeaders({ ...base, key, correlationId });
        for (const value of pairs) expect(value).toMatch(/^[ -~]*$/);
        const headers = headersOf(pairs);
        const head = headOf((name) => headers.get(name));
        expect([head.key, head.correlationId]).toEqual([key.toWellFormed(), correlationId.toWellFormed()]);
      },
    ),
  );
});

test("it is a CloudEvent in binary mode", () => {
  const pairs = cloudEventHeaders({ ...base, key: "k1", correlationId: "c", traceparent: "00-t" });
  expect(
    Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1]]] : []))),
  ).toEqual({
    "ce-specversion": "1.0",
    "ce-id": "0",
    "ce-source": "user",
    "ce-type": "user.v1.UserCreated",
    "ce-time": "1970-01-01T00:00:00.000Z",
    "ce-subject": "k1",
    "ce-correlationid": "c",
    "ce-traceparent": "00-t",
    "content-type": "application/protobuf",
  });
});

test("headers of somebody who does not encode, or has none, are no reason to fail", () => {
  const odd = headOf((name) => (name === "ce-subject" ? "100%" : ""));
  expect(odd).toMatchObject({ key: "100%", id: "", type: "" });
});
