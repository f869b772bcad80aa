import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { fail } from "#mesh";
import { nobody } from "#mesh/rpc/authenticate.ts";
import { openEdge } from "./testing/open-edge.ts";
import { readUntil } from "./testing/read-until.ts";

const sse = { accept: "text/event-stream" };
const forever = () => new Promise<never>(() => {});

test("a stream is a line of JSON for each message unless the client wants something else", async () => {
  await using edge = await openEdge();
  for (const accept of ["*/*", "application/json, */*;q=0.1", "application/x-ndjson"]) {
    const answer = await fetch(`${edge.url}/v1/notes?number=2`, { headers: { accept } });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "application/x-ndjson; charset=utf-8",
    ]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-accel-buffering")).toBe("no");
    const lines = (await answer.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).number)).toEqual(["1", "2"]);
  }
});

test("a client that prefers events gets events, with ids, and is told of the end", async () => {
  await using edge = await openEdge({
    async *count() {
      yield { text: "two\nlines", eventId: "7" };
      yield { text: "none" };
      yield { text: "bad", eventId: "8\ndata: smuggled" };
    },
  });
  const accept = "application/x-ndjson;q=0.5, text/event-stream";
  const answer = await fetch(`${edge.url}/v1/notes`, { headers: { accept } });
  expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const [opening, first, second, third, end] = (await answer.text()).split("\n\n");
  expect(opening).toMatch(/^retry: \d+$/);
  expect(first).toMatch(/^id: 7\ndata: \{.*"text":"two\\nlines".*\}$/);
  expect(second).toMatch(/^data: \{.*"none".*\}$/);
  expect(third).toMatch(/^data: \{.*\}$/);
  expect(end).toBe("event: end\ndata: {}");
});

test("a client that takes neither is told what there is", async () => {
  await using edge = await openEdge();
  const answer = await fetch(`${edge.url}/v1/notes`, { headers: { accept: "image/png" } });
  expect(answer.status).toBe(406);
  expect(await answer.json()).toMatchObject({ reason: "not_acceptable", success: false });
});

test("a stream with a body in its request reads it as any other", async () => {
  await using edge = await openEdge();
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${edge.url}/v1/notes:search`, {
    method: "POST",
    headers,
    body: '{"number":3}',
  });
  expect((await answer.text()).split("\n")).toHaveLength(4);
  const bad = await fetch(`${edge.url}/v1/notes:search`, { method: "POST", headers, body: '{"nummer":3}' });
  expect([bad.status, ((await bad.json()) as { reason: string }).reason]).toEqual([400, "unknown_field"]);
});

test("where a reader left off is told to the service, whatever the address says", async () => {
  await using edge = await openEdge({
    async *count({ lastEventId }) {
      yield { text: lastEventId };
    },
  });
  const url = `${edge.url}/v1/notes?last_event_id=3`;
  const lastOf = async (headers: Record<string, string>) =>
    JSON.parse(await (await fetch(url, { headers })).text()).text;
  expect(await lastOf({})).toBe("3");
  expect(await lastOf({ "last-event-id": "9" })).toBe("9");
  expect(await lastOf({ "last-event-id": Buffer.from("Ünï").toString("latin1") })).toBe("Ünï");
});

test("an error that is known early has a status of its own", async () => {
  await using edge = await openEdge(
    {
      // biome-ignore lint/correctness/useYield: it fails before it has anything to say.
      async *count() {
        throw fail.notFound("note_not_found", "no note has this text");
      },
    },
    { policy: { earlyMs: 10_000 } },
  );
  for (const headers of [{}, sse]) {
    const answer = await fetch(`${edge.url}/v1/notes`, { headers });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ reason: "note_not_found", statusCode: 404 });
  }
  const calls = await edge.calls(2);
  expect(calls.map(({ code }) => code)).toEqual(["not_found", "not_found"]);
});

test("an error that comes late is the last frame, and is noted", async () => {
  await using edge = await openEdge({
    async *count() {
      yield { text: "all is well" };
      await sleep(20);
      throw fail.exhausted("shelf_full", "there is no room");
    },
  });
  const lines = await fetch(`${edge.url}/v1/notes`);
  expect(lines.status).toBe(200);
  const last = (await lines.text()).trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(last)).toMatchObject({ success: false, statusCode: 429, reason: "shelf_full" });

  const events = await (await fetch(`${edge.url}/v1/notes`, { headers: sse })).text();
  const frame = events.split("\n\n").at(-2) ?? "";
  expect(frame).toMatch(/^event: error\ndata: \{"success":false,/);
  expect(JSON.parse(frame.slice(frame.indexOf("{")))).toMatchObject({ reason: "shelf_full" });
  const calls = await edge.calls(2);
  expect(calls.map(({ code }) => code)).toEqual(["resource_exhausted", "resource_exhausted"]);
});

test("a stream that has nothing to say yet begins all the same", async () => {
  const gate = Promise.withResolvers<void>();
  await using edge = await openEdge(
    {
      async *count() {
        await gate.promise;
        yield { text: "at last" };
      },
    },
    { policy: { earlyMs: 10 } },
  );
  // The head is here while the service still thinks.
  const [lines, events] = await Promise.all([
    fetch(`${edge.url}/v1/notes`),
    fetch(`${edge.url}/v1/notes`, { headers: sse }),
  ]);
  gate.resolve();
  expect(await lines.text()).toContain("at last");
  expect(await events.text()).toContain("at last");
});

test("a silent stream of events has a heartbeat", async () => {
  await using edge = await openEdge({ follow: nothing }, { policy: { earlyMs: 10, heartbeatMs: 20 } });
  const answer = await fetch(`${edge.url}/v1/notes:follow`, { headers: sse });
  expect(await readUntil(answer, ":\n\n:\n\n")).toContain(":\n\n:\n\n");
});

// biome-ignore lint/correctness/useYield: it has nothing to say.
async function* nothing(): AsyncGenerator<never> {
  await forever();
}

test("HEAD gives the head alone, and the call is over", async () => {
  const left = Promise.withResolvers<void>();
  await using edge = await openEdge({
    async *follow(_note, call) {
      call.onEnd(() => left.resolve());
      yield { text: "here" };
      await forever();
    },
  });
  const answer = await fetch(`${edge.url}/v1/notes:follow`, { method: "HEAD", headers: sse });
  expect([answer.status, await answer.text()]).toEqual([200, ""]);
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  await left.promise;
});

test("a client that hangs up ends the call at the service", async () => {
  const left = Promise.withResolvers<unknown>();
  await using edge = await openEdge({
    async *follow(_note, call) {
      call.onEnd(() => left.resolve(call.ended));
      yield { text: "here" };
      await forever();
    },
  });
  const socket = connect(edge.port, "127.0.0.1");
  socket.write("GET /v1/notes:follow HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  expect(await left.promise).toBeDefined();
  expect((await edge.calls())[0]).toMatchObject({ code: "canceled" });
});

test("a deadline ends a stream with a frame that says so", async () => {
  const told = Promise.withResolvers<unknown>();
  await using edge = await openEdge({
    async *brief(_note, call) {
      call.onEnd(() => told.resolve(call.ended));
      yield { text: "here" };
      await forever();
    },
  });
  const lines = (await (await fetch(`${edge.url}/v1/notes:brief`)).text()).trimEnd().split("\n");
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ statusCode: 504, reason: "deadline_exceeded" });
  expect(await told.promise).toBeDefined();
});

test("a gateway that stops says so in a last frame, and the connection ends", async () => {
  await using edge = await openEdge({
    async *follow() {
      yield { text: "here" };
      await forever();
    },
  });
  const answer = await fetch(`${edge.url}/v1/notes:follow`, { headers: sse });
  edge.stopping.abort(fail.unavailable("stopping", "this instance is stopping"));
  const frames = (await answer.text()).split("\n\n");
  expect(frames.at(-2)).toMatch(/^event: error\ndata: .*"statusCode":503.*"reason":"stopping"/);
});

test("a reader who lies still keeps the service from going on, and is cut in the end", async () => {
  // Nothing that shrinks on its way from the service.
  const data = randomBytes(64 * 1024);
  let sent = 0;
  const ended = Promise.withResolvers<void>();
  await using edge = await openEdge(
    {
      async *follow(_note, call) {
        call.onEnd(() => ended.resolve());
        for (;;) {
          yield { data };
          sent += data.length;
        }
      },
    },
    { limits: { stalledReadMs: 1000 } },
  );
  const socket = connect(edge.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET /v1/notes:follow HTTP/1.1\r\nhost: x\r\n\r\n");
  socket.pause();
  let before = -1;
  while (sent !== before) {
    before = sent;
    await sleep(100);
  }
  // What systems buffer on the way, and not more; without a bound it would be gigabytes.
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  await ended.promise;
  expect((await edge.calls())[0]).toMatchObject({ code: "canceled" });
  socket.destroy();
});

test("what only services may call is asked for with the proof that was shown, not with the gateway's", async () => {
  const shown: (string | undefined)[] = [];
  await using edge = await openEdge(
    {
      async *inner() {
        yield { text: "for order" };
      },
    },
    {
      authenticate: async ({ header }) => {
        shown.push(header("authorization"));
        const service = { name: "order", scopes: [] };
        return header("authorization") === "Bearer of-order" ? { ...nobody, caller: { service } } : nobody;
      },
    },
  );
  const get = (headers: Record<string, string>) => fetch(`${edge.url}/v1/notes:inner`, { headers });
  expect((await get({})).status).toBe(401);
  expect((await get({ authorization: "Bearer of-somebody" })).status).toBe(401);
  const answer = await get({ authorization: "Bearer of-order" });
  expect(await answer.text()).toContain("for order");
  expect(shown).toEqual(["Bearer of-somebody", "Bearer of-order"]);
});
