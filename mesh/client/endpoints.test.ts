import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import type { Instance } from "../discovery/instance.ts";
import { staticInstance } from "../discovery/static-directory.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { createCallMetrics } from "../telemetry/call-metrics.ts";
import { ProbeService } from "../testing/probe.ts";
import { openRpc } from "../testing/rpc.ts";
import { instanceAt, scriptedCallee, scriptedDirectory } from "../testing/scripted-callee.ts";
import { silentTelemetry } from "../testing/telemetry.ts";
import { createAbsence } from "./absence.ts";
import { createCallee } from "./callee.ts";
import { usualClientPolicy } from "./client-policy.ts";
import { admits, createEndpoint } from "./endpoint.ts";
import { lanesTo } from "./lanes.ts";
import { createNetwork } from "./network.ts";

const names = (world: ReturnType<typeof scriptedCallee>) =>
  world.callee.endpoints.all.map(({ name }) => name);

describe("the endpoints of a callee", () => {
  test("are the instances in the directory, at any time", () => {
    const world = scriptedCallee({ instances: [] });
    expect(world.callee.endpoints.pick()).toBeUndefined();
    world.directory.set([instanceAt(1), instanceAt(2)]);
    expect(world.callee.endpoints.pick()).toBeDefined();
    expect(names(world)).toEqual(["order@10.0.0.1:8012", "order@10.0.0.2:8012"]);
    world.directory.set([instanceAt(2)]);
    expect(world.callee.endpoints.pick()?.name).toBe("order@10.0.0.2:8012");
    expect(world.dismissed).toEqual(["order@10.0.0.1:8012"]);
  });

  test("keep what is known of an instance that stays", () => {
    const world = scriptedCallee();
    const [first] = world.callee.endpoints.all;
    world.directory.set([instanceAt(1), instanceAt(3)]);
    expect(world.callee.endpoints.all[0]).toBe(first);
    // Announced anew, as with every renewal of a lease.
    world.directory.set([instanceAt(1, { version: "2.0.0" }), instanceAt(3)]);
    expect(world.callee.endpoints.all[0]).toBe(first);
    expect(world.dismissed).toEqual(["order@10.0.0.2:8012"]);
  });

  test.each<[string, Partial<Instance>]>([
    ["another address", { host: "10.9.9.9" }],
    ["another port", { port: 9000 }],
    ["another weight", { weight: 1 }],
    ["another lane", { express: false }],
  ])("are made anew for an instance with %s, and the old one is let go", (_what, change) => {
    const world = scriptedCallee({ instances: [instanceAt(1)] });
    const [first] = world.callee.endpoints.all;
    world.directory.set([instanceAt(1, change)]);
    expect(world.callee.endpoints.all[0]).not.toBe(first);
    expect(world.dismissed).toEqual(["order@10.0.0.1:8012"]);
  });

  test("are a share of a large service, always the same", () => {
    const many = Array.from({ length: 40 }, (_, i) => instanceAt(i + 1));
    const world = scriptedCallee({ instances: many, subsetSize: 5 });
    const before = names(world);
    expect(before.length).toBe(5);
    world.directory.set(many.filter((it) => !before.includes(`order@${it.host}:8012`)));
    expect(names(world)).not.toEqual(before);
    expect(world.dismissed.length).toBe(5);
    world.directory.set(many);
    expect(names(world)).toEqual(before);
  });

  test("are all let go at the end, once", () => {
    const world = scriptedCallee();
    world.callee.close();
    world.callee.close();
    expect(world.dismissed.length).toBe(2);
    expect(world.callee.endpoints.pick()).toBeUndefined();
  });

  test("are not those that were tried, while there are others", () => {
    const world = scriptedCallee();
    const [first, second] = world.callee.endpoints.all;
    for (let i = 0; i < 20; i++) expect(world.callee.endpoints.pick([first!])).toBe(second);
    expect(world.callee.endpoints.pick([first!, second!])).toBeDefined();
  });

  test("have names that tell IPv6 addresses from ports", () => {
    const world = scriptedCallee({ instances: [instanceAt(1, { host: "fd00::4" })] });
    expect(names(world)).toEqual(["order@[fd00::4]:8012"]);
  });
});

describe("an instance that is not there", () => {
  test("is left alone a little longer each time, a second at most", () => {
    let nowMs = 0;
    const absence = createAbsence(() => nowMs);
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      absence.gone();
      const from = nowMs;
      while (!absence.over) nowMs++;
      waits.push(nowMs - from);
    }
    expect(waits).toEqual([25, 50, 100, 200, 400, 800, 1000, 1000]);
    absence.seen();
    expect(absence.over).toBe(true);
    absence.gone();
    nowMs += 25;
    expect(absence.over).toBe(true);
  });

  test("is as absent for many calls that find out together as for one", () => {
    let nowMs = 0;
    const absence = createAbsence(() => nowMs);
    for (let i = 0; i < 100; i++) absence.gone();
    nowMs = 25;
    expect(absence.over).toBe(true);
  });

  test("gets no calls meanwhile", () => {
    let nowMs = 0;
    const lanes = { unary: undefined, stream: undefined, close: () => {} } as never;
    const endpoint = createEndpoint({ instance: instanceAt(1), lanes, now: () => nowMs });
    expect(admits(endpoint)).toBe(true);
    endpoint.absence.gone();
    expect(admits(endpoint)).toBe(false);
    nowMs = 25;
    expect(admits(endpoint)).toBe(true);
  });
});

describe("the breakers' metrics", () => {
  const open = () => {
    const metrics = createMetrics("user");
    const directory = scriptedDirectory([instanceAt(1)]);
    const callee = createCallee({
      name: "order",
      directory,
      callerId: "me",
      policy: usualClientPolicy,
      bulkhead: { maxInFlight: 1, maxWaiting: 1 },
      metrics: createCallMetrics(metrics),
      openLanes: () => ({ unary: undefined, stream: undefined, close: () => {} }) as never,
    });
    return { metrics, directory, callee };
  };
  const gauge = "weft_rpc_breaker_state{";

  test("follow an endpoint, and are gone with it, even if its last calls open the breaker", async () => {
    const { metrics, directory, callee } = open();
    const [endpoint] = callee.endpoints.all;
    expect(await metrics.render()).toContain('instance="order@10.0.0.1:8012",service="user"} 0');
    directory.set([]);
    expect(callee.endpoints.all).toEqual([]);
    for (let i = 0; i < 5; i++) endpoint!.breaker.failed(endpoint!.breaker.begin());
    expect(endpoint!.breaker.state).toBe("open");
    expect(await metrics.render()).not.toContain(gauge);
  });

  test("stay for an instance that is announced with another weight", async () => {
    const { metrics, directory, callee } = open();
    directory.set([instanceAt(1, { weight: 7 })]);
    expect(callee.endpoints.all.length).toBe(1);
    expect(await metrics.render()).toContain(gauge);
  });
});

describe("calls in flight at an instance that leaves the directory", () => {
  const world = async (express: boolean) => {
    const go = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const rpc = await openRpc({
      wait: async () => {
        arrived.resolve();
        await go.promise;
        return { text: "waited" };
      },
      async *follow() {
        yield { text: "1" };
        await go.promise;
        yield { text: "2" };
      },
    });
    const directory = scriptedDirectory([{ ...staticInstance("probe", "127.0.0.1", rpc.port), express }]);
    const network = createNetwork({
      callerId: "me",
      directory,
      telemetry: silentTelemetry("user"),
      policy: { ...usualClientPolicy, readyMs: 0 },
    });
    return { go, arrived, rpc, directory, network, client: network.client(ProbeService) };
  };

  test.each([
    ["express", true],
    ["general", false],
  ])("come to their end over the %s lane", async (_lane, express) => {
    const { go, arrived, rpc, directory, network, client } = await world(express);
    await using _rpc = rpc;
    const waiting = client.wait({});
    await arrived.promise;
    directory.set([]);
    await expect(client.echo({})).rejects.toThrow("no instance of probe is known");
    await new Promise((resolve) => setTimeout(resolve, 20));
    go.resolve();
    expect((await waiting).text).toBe("waited");
    network.close();
  });

  test("come to their end when they stream", async () => {
    const { go, rpc, directory, network, client } = await world(true);
    await using _rpc = rpc;
    const got: string[] = [];
    for await (const { text } of client.follow({})) {
      got.push(text);
      directory.set([]);
      await expect(client.echo({})).rejects.toThrow("no instance of probe is known");
      await new Promise((resolve) => setTimeout(resolve, 20));
      go.resolve();
    }
    expect(got).toEqual(["1", "2"]);
    network.close();
  });

  test("that only wait for its connection go elsewhere at once", async () => {
    // It takes connections and says nothing, as a process does that is stopped.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    await using rpc = await openRpc();
    const directory = scriptedDirectory([staticInstance("probe", "127.0.0.1", port)]);
    const network = createNetwork({
      callerId: "me",
      directory,
      telemetry: silentTelemetry("user"),
      openLanes: lanesTo,
    });
    const client = network.client(ProbeService);
    const made = client.echo({ text: "a" }, { timeoutMs: 3000 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    directory.set([staticInstance("probe", "127.0.0.1", rpc.port)]);
    await client.echo({});
    expect((await made).text).toBe("a");
    network.close();
    silent.close();
  });
});
