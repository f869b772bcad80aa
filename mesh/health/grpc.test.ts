import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { Health } from "#gen/health/v1/health_pb.js";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "#gen/health/v1/health_pb.js";
import type { Call } from "../call/call.ts";
import type { Handlers } from "../implementation.ts";
import { ProbeService } from "../testing/probe.ts";
import { createGrpcHealth } from "./grpc.ts";

function open() {
  const health = createGrpcHealth([ProbeService]);
  const answers = health.implementation.handlers as unknown as Handlers<typeof Health>;
  const hangUp = new AbortController();
  const call = { signal: hangUp.signal } as Call;
  const about = (service: string) => create(HealthCheckRequestSchema, { service });
  return {
    set: health.set,
    hangUp: () => hangUp.abort(),
    check: async (service: string) => (await answers.check(about(service), call)).status,
    watch: (service: string) => answers.watch(about(service), call)[Symbol.asyncIterator](),
  };
}

describe("a watcher", () => {
  test("is told how it is, then of changes alone", async () => {
    const health = open();
    const watch = health.watch("probe.v1.ProbeService");
    expect((await watch.next()).value?.status).toBe(Status.NOT_SERVING);
    health.set(true);
    expect((await watch.next()).value?.status).toBe(Status.SERVING);
    const next = watch.next();
    health.set(true);
    await new Promise((resolve) => setImmediate(resolve));
    health.set(false);
    expect((await next).value?.status).toBe(Status.NOT_SERVING);
  });

  test("that is slow gets the newest status, not the history", async () => {
    const health = open();
    const watch = health.watch("");
    await watch.next();
    for (const serving of [true, false, true]) health.set(serving);
    expect((await watch.next()).value?.status).toBe(Status.SERVING);
  });

  test.each(["", "no.Such"])("of %j is let go when it hangs up", async (service) => {
    const health = open();
    const watch = health.watch(service);
    await watch.next();
    const end = watch.next();
    health.hangUp();
    expect((await end).done).toBe(true);
  });
});

test("a service is checked by its name; one that is not served is not found", async () => {
  const health = open();
  health.set(true);
  expect([await health.check(""), await health.check("probe.v1.ProbeService")]).toEqual([
    Status.SERVING,
    Status.SERVING,
  ]);
  await expect(health.check("no.Such")).rejects.toMatchObject({ code: Code.NotFound });
});
