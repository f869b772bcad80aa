import type { KV } from "@nats-io/kv";
import { describe, expect, test, vi } from "vitest";
import { newId } from "../id.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { collectLogs } from "../testing/logs.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import type { DiscoveredDirectory } from "./directory.ts";
import { openDirectory } from "./directory.ts";
import type { Instance } from "./instance.ts";
import { encodeInstance, instanceKey } from "./instance.ts";
import { forgetInstances, instancesBucket, openInstancesBucket } from "./instances-bucket.ts";
import type { Lease } from "./lease.ts";
import { holdLease } from "./lease.ts";
import type { ViewPolicy } from "./view-policy.ts";

/** "At once" and "within a second" are the promises; a loaded machine is given more. */
const soon = { timeout: 8000, interval: 10 };
const renewMs = 200;
const policy = { leaseMs: 1000, disbeliefMs: 2000 };

const make = (service: string, changes: Partial<Instance> = {}): Instance => ({
  id: newId(),
  service,
  host: "127.0.0.1",
  port: 8012,
  version: "0.1.0",
  weight: 100,
  contracts: "0".repeat(64),
  express: true,
  ...changes,
});
const ids = (directory: DiscoveredDirectory, service = "order") =>
  directory.instances(service).map(({ id }) => id);
const sorted = (...started: { instance: Instance }[]) => started.map(({ instance }) => instance.id).sort();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

type World = Awaited<ReturnType<typeof openWorld>>;

/** A broker of one test alone, and those who announce and follow there. */
async function openWorld() {
  const logs = collectLogs();
  const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
  const server = await startNatsServer();
  const open: Nats[] = [];
  const directories: DiscoveredDirectory[] = [];

  const connect = async () => {
    const nats = await connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
    open.push(nats);
    return nats;
  };
  const follow = async (options: { on?: Nats; policy?: Partial<ViewPolicy> } = {}) => {
    const directory = await openDirectory({ nats: options.on ?? (await connect()), log, policy, ...options });
    directories.push(directory);
    return directory;
  };
  /** An instance in a process of its own, as far as the broker can tell. */
  const start = async (service: string): Promise<{ instance: Instance; lease: Lease; nats: Nats }> => {
    const instance = make(service);
    const nats = await connect();
    return { instance, nats, lease: holdLease({ nats, instance, log, renewMs }) };
  };
  return {
    server,
    logs,
    log,
    connect,
    follow,
    start,
    [Symbol.asyncDispose]: async () => {
      for (const directory of directories) directory.close();
      await Promise.all(open.map((nats) => nats.close()));
      await server.stop();
    },
  };
}

// They mostly wait, each with a broker of its own.
describe.concurrent("an instance that announces itself", () => {
  test("is forgotten with a platform that was killed, before another starts on that broker", async () => {
    await using world = await openWorld();
    const { follow, start, connect } = world;
    const killed = await start("order");
    await vi.waitFor(async () => expect((await follow()).instances("order")).toHaveLength(1), soon);
    await killed.nats.connection.close();
    await forgetInstances(await connect());
    expect((await follow()).instances("order")).toEqual([]);
  });

  test("is seen by those who follow, and by those who come later", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const early = await follow();
    expect(early.instances("order")).toEqual([]);
    const one = await start("order");
    await vi.waitFor(() => expect(early.instances("order")).toEqual([one.instance]), soon);
    await one.lease.announced;
    const late = await follow();
    expect(late.instances("order")).toEqual([one.instance]);
    expect(late.services()).toEqual(["order"]);
  });

  test("stays for as long as it renews, as the same object", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const [one, two] = [await start("order"), await start("order")];
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two)), soon);
    const before = directory.instances("order");
    let changes = 0;
    directory.watch("order", () => changes++);
    await pause(2 * policy.leaseMs);
    expect(directory.instances("order")).toBe(before);
    expect(changes).toBe(0);
  });

  test("changes its weight", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const { lease } = await start("order");
    await vi.waitFor(() => expect(directory.instances("order")[0]?.weight).toBe(100), soon);
    lease.setWeight(5);
    await vi.waitFor(() => expect(directory.instances("order")[0]?.weight).toBe(5), soon);
  });

  test("and withdraws is gone at once, also when it was the only one", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow({ policy: { leaseMs: 1e6 } });
    const [one, two] = [await start("order"), await start("order")];
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two)), soon);
    await one.lease.withdraw();
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(two)), soon);
    await two.lease.withdraw();
    await vi.waitFor(() => expect(ids(directory)).toEqual([]), soon);
    await pause(2 * renewMs);
    expect(ids(directory)).toEqual([]);
  });

  test("and dies is gone when its lease is over", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const [dying, living] = [await start("order"), await start("order")];
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(dying, living)), soon);
    await dying.nats.close();
    expect(ids(directory)).toEqual(sorted(dying, living));
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(living)), soon);
  });

  test("and dies as the last of its service is believed to be there for a while", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const one = await start("order");
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one)), soon);
    await one.nats.close();
    await pause(policy.leaseMs + 500);
    expect(ids(directory)).toEqual(sorted(one));
    await vi.waitFor(() => expect(ids(directory)).toEqual([]), soon);
  });
});

test.concurrent("what is not an instance is ignored, and hides nothing that comes after it", async () => {
  await using world = await openWorld();
  const { connect, follow, logs } = world;
  const nats = await connect();
  const directory = await follow({ on: nats });
  const bucket = await openInstancesBucket(nats);
  const warnings = () => logs.lines.filter((it) => `${it.message}`.includes("not valid"));
  const before = warnings().length;
  for (const text of ["", "{not json", "null", "x".repeat(100_000)]) await bucket.put("order.bad", text);
  await bucket.put("order.other", encodeInstance(make("order")));
  await bucket.put("nodot", encodeInstance(make("order")));
  await bucket.delete("nodot");
  const good = make("order");
  await bucket.put(instanceKey("order", good.id), encodeInstance(good));
  await vi.waitFor(() => expect(directory.instances("order")).toEqual([good]), soon);
  expect(warnings().length - before).toBe(1);
});

test.concurrent("an instance that died leaves, whatever others put in its place", async () => {
  await using world = await openWorld();
  const { connect, follow, start } = world;
  const nats = await connect();
  const directory = await follow({ on: nats });
  const [dying, living] = [await start("order"), await start("order")];
  await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(dying, living)), soon);
  await dying.nats.close();
  await (await openInstancesBucket(nats)).put(instanceKey("order", dying.instance.id), "something else");
  await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(living)), soon);
});

test.concurrent("300 instances of 30 services are known at once by who starts", async () => {
  await using world = await openWorld();
  const { connect, follow } = world;
  const nats = await connect();
  const bucket = await openInstancesBucket(nats);
  const all = Array.from({ length: 300 }, (_, i) => make(`service-${i % 30}`));
  await Promise.all(all.map((it) => bucket.put(instanceKey(it.service, it.id), encodeInstance(it))));
  const directory = await follow();
  expect(directory.services()).toHaveLength(30);
  expect(directory.services().flatMap((it) => directory.instances(it))).toHaveLength(300);
});

describe.concurrent("when the broker goes away", () => {
  const away = async ({ server }: World, directory: DiscoveredDirectory) => {
    await server.crash();
    await vi.waitFor(() => expect(directory.isCurrent()).toBe(false), soon);
  };
  const back = async ({ server }: World, directory: DiscoveredDirectory, empty: boolean) => {
    await server.restart({ empty });
    await vi.waitFor(() => expect(directory.isCurrent()).toBe(true), soon);
  };

  test.each([
    ["its data", false],
    ["nothing", true],
  ])("the view stays, and is right again once it is back with %s", async (_what, empty) => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const [one, two, dying] = [await start("order"), await start("order"), await start("order")];
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two, dying)), soon);
    const before = directory.instances("order");
    const changes: string[][] = [];
    directory.watch("order", (instances) => changes.push(instances.map(({ id }) => id)));

    await away(world, directory);
    await dying.nats.close();
    await pause(2 * policy.leaseMs);
    expect(directory.instances("order")).toBe(before);

    await back(world, directory, empty);
    expect(directory.instances("order")).toBe(before);
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two)), soon);
    const three = await start("order");
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two, three)), soon);
    await pause(policy.leaseMs + 500);
    expect(changes).toEqual([sorted(one, two), sorted(one, two, three)]);
  });

  test("who starts meanwhile is known once it is back", async () => {
    await using world = await openWorld();
    const { connect, follow, log } = world;
    const nats = await connect();
    const directory = await follow();
    await away(world, directory);
    const instance = make("order");
    holdLease({ nats, instance, log, renewMs });
    await pause(500);
    await back(world, directory, true);
    await vi.waitFor(() => expect(ids(directory)).toEqual([instance.id]), soon);
  });

  test("to withdraw takes no longer than a moment, and leaves nothing that comes back", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const [one, two] = [await start("order"), await start("order")];
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two)), soon);
    await away(world, directory);
    await one.lease.withdraw();
    await back(world, directory, false);
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(two)), soon);
  });
});

describe.concurrent("when the bucket is deleted", () => {
  const destroy = async ({ connect }: World) => {
    const nats = await connect();
    await (await nats.bucket(instancesBucket)).destroy();
  };

  test("leases make it again, and nobody is lost", async () => {
    await using world = await openWorld();
    const { follow, start } = world;
    const directory = await follow();
    const [one, two] = [await start("order"), await start("order")];
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two)), soon);
    const before = directory.instances("order");
    await destroy(world);
    await pause(3 * policy.leaseMs);
    expect(directory.instances("order")).toBe(before);
    const three = await start("order");
    await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two, three)), soon);
  });
});

test.concurrent("a watch that no longer delivers is found out, and nobody is lost by it", async () => {
  await using world = await openWorld();
  const { connect, follow, start } = world;
  const nats = await connect();
  let dead = false;
  const watchDies = (bucket: KV): KV => {
    const watch: KV["watch"] = async () => {
      const entries = await bucket.watch();
      if (dead) return entries;
      async function* whileAlive() {
        for await (const entry of entries) if (!dead) yield entry;
      }
      return Object.assign(whileAlive(), { stop: () => entries.stop() }) as unknown as typeof entries;
    };
    return Object.assign(Object.create(bucket), { watch });
  };
  const directory = await follow({
    on: { ...nats, bucket: async (...args) => watchDies(await nats.bucket(...args)) },
  });
  const [one, two] = [await start("order"), await start("order")];
  await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two)), soon);
  dead = true;
  const three = await start("order");
  const sizes: number[] = [];
  directory.watch("order", (instances) => sizes.push(instances.length));
  await vi.waitFor(() => expect(ids(directory)).toEqual(sorted(one, two, three)), soon);
  expect(sizes).toEqual([3]);
});

test.concurrent("closing it ends what it follows", async () => {
  await using world = await openWorld();
  const { follow, start } = world;
  const directory = await follow();
  directory.close();
  const { lease } = await start("order");
  await lease.announced;
  await pause(200);
  expect(ids(directory)).toEqual([]);
});
