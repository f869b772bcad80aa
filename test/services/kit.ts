/** What the tests of every service need. */
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import type { Caller, Setup, UserIdentity } from "#mesh";
import { newId, WeftError } from "#mesh";

/** Looks again and again until it is as expected; long enough for a busy machine. */
export const eventually = <T>(look: () => T, about = "") =>
  expect.poll(look, { timeout: 30_000, interval: 10, message: about });

export const userWith = (...permissions: string[]): UserIdentity => ({
  id: newId(),
  email: "somebody@example.com",
  sessionId: newId(),
  roles: [],
  permissions,
});

export const service = (name: string, ...scopes: string[]): Caller => ({ service: { name, scopes } });

/** Time that goes by when a test says so, beside that of the machine. */
export function testClock() {
  const clock = {
    aheadMs: 0,
    now: () => Date.now() + clock.aheadMs,
    pass: (ms: number) => {
      clock.aheadMs += ms;
    },
    /** Such as `2031-01-15T23:00:00Z`; later than it is. */
    goTo: (time: string) => {
      clock.aheadMs = Date.parse(time) - Date.now();
    },
  };
  return clock;
}

/** The error that a call must end with, and its reason. */
export async function failure(call: Promise<unknown>): Promise<ConnectError & { reason: string }> {
  const error = await call.then(
    () => undefined,
    (it: unknown) => it,
  );
  if (!(error instanceof ConnectError)) throw new Error(`expected a failure, not ${String(error)}`);
  const told = error.findDetails(ErrorInfoSchema)[0]?.reason;
  const reason = error instanceof WeftError ? error.reason : (told ?? Code[error.code] ?? "");
  return Object.assign(error, { reason });
}

/** The same as a test compares it. */
export async function refusal(call: Promise<unknown>) {
  const error = await failure(call);
  const metadata = error.findDetails(ErrorInfoSchema)[0]?.metadata ?? {};
  return { code: Code[error.code], reason: error.reason, metadata, message: error.rawMessage };
}

/** Metrics for a second instance in one process, where each may be made once. */
export function silentMetrics({ metrics }: Setup<never, never>): Setup<never, never>["metrics"] {
  const nothing = { inc: () => {}, set: () => {}, observe: () => {} };
  return { ...metrics, counter: () => nothing, gauge: () => nothing, histogram: () => nothing } as never;
}

/** Likewise for what is told of its health. */
export const silentHealth = ({ health }: Setup<never, never>) => ({
  add: () => {},
  remove: () => {},
  report: health.report,
});

/** Does it so often, a few at once: a machine that is busy with other tests would turn a crowd away. */
export async function often(
  times: number,
  work: (at: number) => Promise<unknown>,
  atOnce = 20,
): Promise<void> {
  for (let from = 0; from < times; from += atOnce) {
    const length = Math.min(atOnce, times - from);
    await Promise.all(Array.from({ length }, (_, at) => work(from + at)));
  }
}
