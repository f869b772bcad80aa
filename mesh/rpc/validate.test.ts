import { create, toBinary } from "@bufbuild/protobuf";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TrackedEvent } from "#gen/analytics/v1/analytics_pb.js";
import { TrackEventsRequestSchema } from "#gen/analytics/v1/analytics_pb.js";
import { newId } from "../id.ts";
import { validate } from "./validate.ts";

type Init = Partial<Pick<TrackedEvent, "id" | "name" | "properties" | "tags">>;

function refused(events: readonly Init[]): ConnectError {
  const message = create(TrackEventsRequestSchema, { events: [...events] });
  try {
    validate(TrackEventsRequestSchema, message);
  } catch (error) {
    if (error instanceof ConnectError) return error;
  }
  throw new Error("it was taken");
}

/** All that is told of it: words and details, as they go over the wire. */
function sizeOf(error: ConnectError): number {
  const inBytes = error.details.map((it) =>
    "desc" in it ? toBinary(it.desc, create(it.desc, it.value)).length : 0,
  );
  return error.rawMessage.length + inBytes.reduce((sum, bytes) => sum + bytes, 0);
}

const violationsOf = (error: ConnectError) =>
  error.details.flatMap((it) =>
    "desc" in it && it.desc.typeName === ViolationsSchema.typeName
      ? ((it.value as { violations?: unknown[] }).violations ?? [])
      : [],
  );

describe("what is wrong with a message", () => {
  test("is told of each field", () => {
    const error = refused([{ id: newId(), name: "Not so" }, {}]);
    expect(error.rawMessage).toMatch(/^events\[0\]\.name: .*; events\[1\]\.id: .*; events\[1\]\.name: /);
    expect(violationsOf(error)).toHaveLength(3);
  });

  test("is told twenty times at most, and how much more there is", () => {
    const error = refused(Array.from({ length: 100 }, () => ({})));
    expect(violationsOf(error)).toHaveLength(20);
    expect(error.rawMessage).toMatch(/; and 180 more$/);
  });

  test("is told once of a message with very many values, and found at its first", () => {
    const error = refused(Array.from({ length: 200_000 }, () => ({})));
    expect(error.rawMessage).toBe("events: must contain no more than 500 item(s)");
    expect(refused(Array.from({ length: 500 }, () => ({ id: "x", name: "y y" }))).rawMessage).toBe(
      "events[0].id: must be a valid UUID",
    );
  });

  test("makes no long answer, whatever somebody sends", () => {
    const long = fc.integer({ min: 0, max: 20_000 }).map((length) => "Ü ".repeat(length / 2));
    const event = fc.record({
      id: long,
      name: long,
      tags: fc.array(long, { maxLength: 30 }),
      properties: fc.dictionary(long, long, { maxKeys: 30 }),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 20 }), (events) => {
        expect(sizeOf(refused(events))).toBeLessThan(40_000);
      }),
      { numRuns: 20 },
    );
  });
});

test("keys of a map that logs must not show are told in the details alone", () => {
  const error = refused([{ id: newId(), name: "x", properties: { "ama@example.com": "y" } }]);
  expect(error.rawMessage).toMatch(/^events\[0\]\.properties\["…"\]: must be a name/);
  expect(sizeOf(error)).toBeGreaterThan(100);
  expect(JSON.stringify(violationsOf(error), (_, it) => (typeof it === "bigint" ? `${it}` : it))).toContain(
    "ama@example.com",
  );
});
