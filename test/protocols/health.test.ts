import { once } from "node:events";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { service as healthDefinition } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GrpcClient } from "./kit/grpc-js.ts";
import { clientOf } from "./kit/grpc-js.ts";
import type { ProbeHost } from "./kit/probe-host.ts";
import { hostProbe } from "./kit/probe-host.ts";

interface Answer {
  status: string;
}
const ask = <T>(client: GrpcClient, method: "check" | "list", request: object) =>
  new Promise<T>((resolve, reject) => {
    client[method]!(request, (error: ServiceError | null, answer: T) =>
      error ? reject(error) : resolve(answer),
    );
  });
const check = (client: GrpcClient, service: string) => ask<Answer>(client, "check", { service });

describe("the standard health service", () => {
  let probe: ProbeHost;
  let client: GrpcClient;
  beforeAll(async () => {
    probe = await hostProbe();
    client = clientOf(healthDefinition, probe.port);
  });
  afterAll(async () => {
    client.close();
    await probe[Symbol.asyncDispose]();
  });

  test.each(["", "probe.v1.ProbeService"])("says that %j is serving", async (service) => {
    expect(await check(client, service)).toMatchObject({ status: "SERVING" });
  });

  test.each(["probe.v1.Nothing", "probe", "constructor", "__proto__"])(
    "does not know %s",
    async (service) => {
      await expect(check(client, service)).rejects.toMatchObject({ code: status.NOT_FOUND });
    },
  );

  test("lists the process and its contracts", async () => {
    expect(await ask(client, "list", {})).toMatchObject({
      statuses: { "": { status: "SERVING" }, "probe.v1.ProbeService": { status: "SERVING" } },
    });
  });

  test("tells a watcher of a service that nobody serves just that, and leaves the stream open", async () => {
    const watch = client.watch!({ service: "no.Such" }) as ClientReadableStream<Answer>;
    const ended = once(watch, "error");
    const [first] = (await once(watch, "data")) as [Answer];
    expect(first.status).toBe("SERVICE_UNKNOWN");
    watch.cancel();
    const [error] = (await ended) as [ServiceError];
    expect(error.code).toBe(status.CANCELLED);
  });
});

test("a watcher is told of changes, and of nothing else", async () => {
  let well = true;
  await using probe = await hostProbe([
    {},
    ({ health }) =>
      health.add({
        name: "database",
        critical: true,
        check: () => {
          if (!well) throw new Error("gone");
        },
      }),
  ]);
  const client = clientOf(healthDefinition, probe.port);
  const seen: string[] = [];
  const watch = client.watch!({ service: "probe.v1.ProbeService" }) as ClientReadableStream<Answer>;
  watch.on("data", (it: Answer) => seen.push(it.status));
  watch.on("error", () => {});
  await expect.poll(() => seen, { timeout: 5000 }).toEqual(["SERVING"]);
  well = false;
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(["SERVING", "NOT_SERVING"]);
  well = true;
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
  client.close();
});

test("a watcher sees NOT_SERVING when the service stops, then the end of its stream", async () => {
  const probe = await hostProbe();
  const client = clientOf(healthDefinition, probe.port);
  const seen: string[] = [];
  const watch = client.watch!({ service: "" }) as ClientReadableStream<Answer>;
  watch.on("data", (it: Answer) => seen.push(it.status));
  const ended = once(watch, "error");
  await expect.poll(() => seen).toEqual(["SERVING"]);
  await probe.hosted.stop();
  const [error] = (await ended) as [ServiceError];
  expect(error.code).toBe(status.UNAVAILABLE);
  expect(seen).toEqual(["SERVING", "NOT_SERVING"]);
  client.close();
});
