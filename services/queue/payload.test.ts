import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { describe, expect, test } from "vitest";
import { createLogger, WeftError } from "#mesh";
import { createMessageTypes, requireJobType } from "./message-types.ts";
import { encodePayload, restoreHidden, showPayload } from "./payload.ts";
import { probeContracts } from "./testing/probe-job.ts";

const log = createLogger({
  service: "queue",
  level: "silent",
  contracts: [],
  destination: { write: () => {} },
});
const types = createMessageTypes(log);
types.learn(probeContracts().registry);
const greet = requireJobType(types, "probe.v1.Greet");

const full = {
  text: "hello",
  pin: 1234,
  whom: { id: "1", email: "a@example.com" },
  others: [{ id: "2", email: "b@example.com" }, { id: "3" }],
  family: { id: "4", email: "c@example.com" },
};
const shown = {
  text: "hello",
  pin: "[redacted]",
  whom: { id: "1", email: "[redacted]" },
  others: [{ id: "2", email: "[redacted]" }, { id: "3" }],
  family: "[redacted]",
};

const refusalOf = (run: () => unknown): WeftError => {
  try {
    run();
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
  throw new Error("it was taken");
};

describe("what a contract says of a job", () => {
  test("is known from what services publish", () => {
    expect(greet).toMatchObject({ queue: "probes", maxAttempts: 2, timeoutMs: 90_000, backoffMs: 3000 });
    expect(types.find("probe.v1.Greeted")).toBeDefined();
    expect(types.findJob("probe.v1.Greeted")).toBeUndefined();
    expect(types.find("probe.v1.Person")).toBeUndefined();
  });

  test("is passed over when it names no queue that could be one", () => {
    const others = createMessageTypes(log);
    others.learn(probeContracts("not a queue").registry);
    expect(others.jobs()).toEqual([]);
    expect(others.find("probe.v1.Greeted")).toBeDefined();
  });

  test("is asked for by name, and the names there are are told", () => {
    const error = refusalOf(() => requireJobType(types, "probe.v1.Nothing"));
    expect(error.reason).toBe("unknown_job_type");
    expect(error.message).toMatch(/probe\.v1\.Greet$/);
  });
});

describe("a payload", () => {
  test("is shown without personal data, at whatever depth", () => {
    expect(showPayload(greet, encodePayload(greet, full))).toEqual(shown);
  });

  test("that was shown can be put back as it was, with what was corrected", () => {
    const original = encodePayload(greet, full);
    expect(encodePayload(greet, restoreHidden(greet, shown, original))).toEqual(original);
    const corrected = restoreHidden(greet, { ...shown, text: "hi", pin: 9 }, original);
    expect(corrected).toEqual({ ...full, text: "hi", pin: 9 });
  });

  test("cannot keep what was not there", () => {
    const original = encodePayload(greet, { text: "hello" });
    const error = refusalOf(() => restoreHidden(greet, { others: [{ email: "[redacted]" }] }, original));
    expect(error.message).toMatch(/email says \[redacted\] and was not there/);
  });

  test("that is no such message is refused, with the field", () => {
    const error = refusalOf(() => encodePayload(greet, { text: 7 }));
    expect(error.reason).toBe("bad_payload");
    expect(error.message).toMatch(/probe\.v1\.Greet.*text/);
    expect(refusalOf(() => encodePayload(greet, { txet: "x" })).message).toMatch(/txet/);
  });

  test("that breaks a rule is refused as any message is, with the path in the request", () => {
    const error = refusalOf(() => encodePayload(greet, { text: "x".repeat(21) }));
    expect(error.reason).toBe("contract_violation");
    const [violation] = error.findDetails(ViolationsSchema).flatMap((it) => it.violations);
    expect(violation?.field?.elements.map((it) => it.fieldName)).toEqual(["payload", "text"]);
  });

  test("of an unknown type, or of another form than its type, is not shown", () => {
    expect(showPayload(undefined, new Uint8Array())).toBeUndefined();
    expect(showPayload(greet, new Uint8Array([255, 255]))).toBeUndefined();
  });
});
