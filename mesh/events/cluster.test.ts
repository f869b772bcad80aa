import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { openWorld } from "../testing/bus.ts";
import { freePort } from "../testing/free-port.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import { on } from "./consume/on.ts";

const servers = new Map<string, NatsServer>();
beforeAll(async () => {
  const names = ["n1", "n2", "n3"];
  const ports = await Promise.all(names.map(() => freePort()));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(",");
  const started = await Promise.all(
    names.map((name, at) =>
      startNatsServer(
        ...["-n", name, "--cluster_name", "weft"],
        ...["--cluster", `nats://127.0.0.1:${ports[at]}`, "--routes", routes],
      ),
    ),
  );
  for (const [at, name] of names.entries()) servers.set(name, started[at]!);
}, 30_000);
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()));
});

test("with three replicas, the death of the server that leads a stream loses and reorders nothing", async () => {
  await using world = openWorld({ natsUrl: [...servers][0]![1].url });
  const settings = { replicas: 3, maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 };
  const user = await world.instance("user", { publishes: [UserUpdatedSchema], settings });
  const other = await world.instance("security", { settings });
  await other.db.sql`create table effects (position bigserial, step int)`;
  other.bus.consume([
    on(
      UserUpdatedSchema,
      async ({ fields }, { tx }) => tx`insert into effects (step) values (${Number(fields[0])})`,
      { ordered: true },
    ),
  ]);
  const publish = async (from: number, to: number) => {
    for (let step = from; step < to; step++) {
      await user.bus.events.publish(UserUpdatedSchema, { userId: "u", fields: [String(step)] });
    }
  };
  const effects = async () =>
    (await other.db.sql`select step from effects order by position`).map((it) => it.step);
  await publish(0, 100);
  await vi.waitFor(async () => expect(await effects()).toHaveLength(100), { timeout: 20_000, interval: 50 });

  const jsm = await jetstreamManager(user.nats.connection);
  const { cluster, config } = await jsm.streams.info(user.nats.nameOf("events_user"));
  expect(config.num_replicas).toBe(3);
  const dying = servers.get(cluster?.leader ?? "");
  if (!dying) throw new Error(`nobody leads the stream: ${JSON.stringify(cluster)}`);
  const publishing = publish(100, 400);
  await dying.crash();
  await publishing;
  const all = Array.from({ length: 400 }, (_, at) => at);
  await vi.waitFor(async () => expect(await effects()).toEqual(all), { timeout: 40_000, interval: 50 });
  await dying.restart();
}, 90_000);
