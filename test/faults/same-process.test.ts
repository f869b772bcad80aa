import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Clients, Hosted } from "#mesh";
import { defineService, handlers, hostService } from "#mesh";
import type { Note } from "#mesh/testing/probe.ts";
import type { WorkerContract } from "./kit/contract.ts";
import { workerContract } from "./kit/contract.ts";
import { createIssuer, makeServiceKey } from "./kit/issuer.ts";
import type { Mesh } from "./kit/mesh.ts";
import { openMesh } from "./kit/mesh.ts";
import { until } from "./kit/until.ts";

const contract = workerContract("inside");
const seen: Note[] = [];
const ended: unknown[] = [];
const kept = { text: "kept", notes: [] };

const inside = defineService({
  name: "inside",
  contracts: [contract],
  setup: () => ({
    rpc: [
      handlers(contract, {
        look: (note) => {
          seen.push(note);
          note.text = "changed by the handler";
          return kept;
        },
        change: (_note, call) => ({ text: call.caller.service?.name ?? "nobody" }),
        guarded: (_note, call) => ({ text: call.caller.service?.name ?? "nobody" }),
        work: () => ({}),
        relay: (_note, call) =>
          new Promise((_resolve, reject) => {
            call.onEnd(() => {
              ended.push(call.ended);
              reject(call.ended);
            });
          }),
        async *pour({ number }) {
          for (let i = 0n; i < number; i++) yield { number: i };
        },
        async *talk(notes) {
          for await (const { number } of notes) yield { number };
        },
      }),
    ],
  }),
});

/** Calls `inside`, and lends its client to the test. */
let calls: Clients<{ inside: WorkerContract }>;
const outside = defineService({
  name: "outside",
  contracts: [workerContract("outside")],
  calls: { inside: contract },
  setup: (given) => {
    calls = given.calls;
    const unused = () => ({});
    async function* nothing() {}
    const own = { look: unused, change: unused, guarded: unused, work: unused, relay: unused };
    return { rpc: [handlers(workerContract("outside"), { ...own, pour: nothing, talk: nothing })] };
  },
});

let mesh: Mesh;
const hosted: Hosted[] = [];
beforeAll(async () => {
  mesh = await openMesh();
  const keyEnv = await makeServiceKey(mesh.folder, "outside");
  const env = { ...mesh.env, ...keyEnv };
  for (const it of [(await createIssuer()).definition, inside, outside]) {
    hosted.push(await hostService(it, { env }));
  }
  await until(() =>
    ["security", "inside", "outside"].every((it) => mesh.directory.instances(it).length === 1),
  );
  await until(() =>
    calls.inside.look({ text: "first" }).then(
      () => true,
      () => false,
    ),
  );
});
afterAll(async () => {
  for (const it of hosted.reverse()) await it.stop();
  await mesh[Symbol.asyncDispose]();
});
afterEach(() => {
  seen.length = 0;
});

const failure = (work: Promise<unknown>): Promise<ConnectError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );
const insideUrl = () => `http://127.0.0.1:${hosted[1]?.port}`;

describe("a call to a service in the same process", () => {
  test("opens no socket", async () => {
    await calls.inside.look({ text: "here" });
    for await (const _ of calls.inside.pour({ number: 3n }));
    const health = (await (await fetch(`${insideUrl()}/health`)).json()) as {
      metrics: { active_connections: number };
    };
    // The one that asks.
    expect(health.metrics.active_connections).toBe(1);
  });

  test("gives copies of messages, in and out", async () => {
    const mine = { text: "mine" };
    const first = await calls.inside.look(mine);
    expect([mine.text, first.text]).toEqual(["mine", "kept"]);
    expect(seen[0]).not.toBe(mine);
    first.text = "changed by the caller";
    expect((await calls.inside.look(mine)).text).toBe("kept");
    expect(kept.text).toBe("kept");
  });

  test("is validated", async () => {
    const error = await failure(calls.inside.look({ text: "x".repeat(101) }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(seen).toEqual([]);
  });

  test("is let in by who calls", async () => {
    expect((await calls.inside.guarded({})).text).toBe("outside");
    expect((await failure(mesh.client("inside").guarded({}))).code).toBe(Code.Unauthenticated);
  });

  test("ends on both sides at its deadline", async () => {
    const from = performance.now();
    const error = await failure(calls.inside.relay({}, { timeoutMs: 100 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    expect(performance.now() - from).toBeLessThan(600);
    await until(() => ended.length === 1, 1000);
  });

  test("is counted on both sides", async () => {
    const callee = await (await fetch(`${insideUrl()}/metrics`)).text();
    const caller = await (await fetch(`http://127.0.0.1:${hosted[2]?.port}/metrics`)).text();
    const count = (text: string, labels: Record<string, string>) =>
      text.split("\n").some((line) => {
        const wanted = Object.entries(labels).every(([name, value]) => line.includes(`${name}="${value}"`));
        return wanted && line.includes("_duration_seconds_count{");
      });
    const look = "probe.v1.ProbeService/Look";
    expect(count(callee, { method: look, code: "ok", caller: "outside" })).toBe(true);
    expect(count(callee, { method: look, code: "invalid_argument" })).toBe(true);
    // Whichever side's timer is first.
    const relay = "probe.v1.ProbeService/Relay";
    const late = ["deadline_exceeded", "canceled"].filter((code) => count(callee, { method: relay, code }));
    expect(late.length).toBe(1);
    expect(count(caller, { callee: "inside", method: look, code: "ok" })).toBe(true);
  });
});
