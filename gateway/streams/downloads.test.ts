import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Call } from "#mesh";
import { fail } from "#mesh";
import type { FilesHandlers } from "./testing/open-edge.ts";
import { openEdge } from "./testing/open-edge.ts";

const text = (content: string) => Buffer.from(content);

const alphabet: Partial<FilesHandlers> = {
  async *download(_note, call: Call) {
    const all = "abcdefghijklmnopqrstuvwxyz";
    call.responseHeader.set("etag", '"v1"');
    call.responseHeader.set("accept-ranges", "bytes");
    call.responseHeader.set("last-modified", "Mon, 01 Jun 2026 08:00:00 GMT");
    call.responseHeader.set("content-disposition", 'attachment; filename="letters.txt"');
    const range = call.requestHeader.get("range");
    if (range === "bytes=90-") {
      call.responseHeader.set("content-range", "bytes */26");
      throw fail.invalid("range_not_satisfiable", "there are only 26 letters");
    }
    if (call.requestHeader.get("if-modified-since"))
      throw fail.precondition("not_modified", "it is the same");
    const part = range === "bytes=3-7" ? all.slice(3, 8) : all;
    if (part === all) call.responseHeader.set("x-content-length", "26");
    else call.responseHeader.set("content-range", "bytes 3-7/26");
    yield { contentType: "text/plain", data: text(part.slice(0, 2)) };
    yield { contentType: "text/ignored", data: text(part.slice(2)) };
  },
};

test("a file comes with its type, its size and what else its service says of it", async () => {
  await using edge = await openEdge(alphabet);
  const answer = await fetch(`${edge.url}/v1/files/letters`);
  expect([answer.status, await answer.text()]).toEqual([200, "abcdefghijklmnopqrstuvwxyz"]);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "text/plain",
    "content-length": "26",
    etag: '"v1"',
    "accept-ranges": "bytes",
    "last-modified": "Mon, 01 Jun 2026 08:00:00 GMT",
    "content-disposition": 'attachment; filename="letters.txt"',
    "cache-control": "private, no-cache",
  });
});

test("a part of a file is 206, and one beyond it 416 with its size", async () => {
  await using edge = await openEdge(alphabet);
  const part = await fetch(`${edge.url}/v1/files/letters`, { headers: { range: "bytes=3-7" } });
  expect([part.status, await part.text()]).toEqual([206, "defgh"]);
  expect(part.headers.get("content-range")).toBe("bytes 3-7/26");
  expect(part.headers.get("content-length")).toBe("5");
  const beyond = await fetch(`${edge.url}/v1/files/letters`, { headers: { range: "bytes=90-" } });
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */26"]);
  expect(await beyond.json()).toMatchObject({ reason: "range_not_satisfiable" });
});

test("a client that has the file is not sent it again", async () => {
  await using edge = await openEdge(alphabet);
  const get = (headers: Record<string, string>) => fetch(`${edge.url}/v1/files/letters`, { headers });
  const byTag = await get({ "if-none-match": '"v0", "v1"' });
  expect([byTag.status, byTag.headers.get("etag"), await byTag.text()]).toEqual([304, '"v1"', ""]);
  const byTime = await get({ "if-modified-since": "Mon, 01 Jun 2026 08:00:00 GMT" });
  expect([byTime.status, byTime.headers.get("etag")]).toEqual([304, '"v1"']);
  expect((await get({ "if-none-match": '"v2"' })).status).toBe(200);
});

test("HEAD tells of a file without it", async () => {
  await using edge = await openEdge(alphabet);
  const answer = await fetch(`${edge.url}/v1/files/letters`, { method: "HEAD" });
  expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([200, "26", ""]);
});

test("a file may stand in a field of the answer, and may be empty", async () => {
  await using edge = await openEdge({
    async *wrapped({ text: name }) {
      if (name === "none") return;
      yield { note: "aside", file: { contentType: "image/png", data: text("pix") } };
      yield { note: "no part of it", file: {} };
      yield { note: "aside", file: { data: text("els") } };
    },
  });
  const answer = await fetch(`${edge.url}/v1/wrapped/picture`);
  expect([answer.headers.get("content-type"), await answer.text()]).toEqual(["image/png", "pixels"]);
  const none = await fetch(`${edge.url}/v1/wrapped/none`);
  expect([none.status, none.headers.get("content-type"), await none.text()]).toEqual([
    200,
    "application/octet-stream",
    "",
  ]);
});

test("an error before the first byte has a status of its own", async () => {
  await using edge = await openEdge({
    // biome-ignore lint/correctness/useYield: it fails before it has anything to give.
    async *download() {
      await sleep(400);
      throw fail.notFound("file_not_found", "no file has this name");
    },
  });
  const answer = await fetch(`${edge.url}/v1/files/none`);
  expect([answer.status, (await answer.json()) as object]).toMatchObject([404, { reason: "file_not_found" }]);
});

const broken: Partial<FilesHandlers> = {
  async *download({ text: how }, call) {
    if (how === "short" || how === "long") call.responseHeader.set("x-content-length", "7");
    yield { contentType: "text/plain", data: text("half") };
    if (how === "long") yield { data: text(" and much more") };
    // Until it has left, or the client sees an error before the answer.
    await sleep(50);
    if (how === "fails") throw fail.internal("disk_broken", "the disk is broken");
  },
};

test.each(["fails", "short", "long"])("half a file is never taken for a whole one: %s", async (how) => {
  await using edge = await openEdge(broken);
  const answer = await fetch(`${edge.url}/v1/files/${how}`);
  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow();
  expect((await edge.calls())[0]).toMatchObject({ code: "internal" });
});

test("half a file is a reset over HTTP/2 and for the oldest clients", async () => {
  await using edge = await openEdge(broken);
  const session = connectHttp2(edge.url);
  const stream = session.request({ ":path": "/v1/files/fails" });
  let isWhole = false;
  stream.once("end", () => {
    isWhole = true;
  });
  stream.resume();
  const [error] = await once(stream, "error");
  expect(error).toMatchObject({ code: "ERR_HTTP2_STREAM_ERROR" });
  expect(isWhole).toBe(false);
  session.destroy();

  const socket = connect(edge.port, "127.0.0.1");
  socket.write("GET /v1/files/fails HTTP/1.0\r\nhost: x\r\n\r\n");
  socket.resume();
  const [reset] = await once(socket, "error");
  expect(reset).toMatchObject({ code: "ECONNRESET" });
});

test("a file comes over HTTP/2 too", async () => {
  await using edge = await openEdge(alphabet);
  const session = connectHttp2(edge.url);
  const stream = session.request({ ":path": "/v1/files/letters" });
  let all = "";
  stream.on("data", (chunk) => {
    all += chunk;
  });
  await once(stream, "end");
  expect(all).toHaveLength(26);
  session.destroy();
});

test("a service that does not say which part it gives is not passed on", async () => {
  await using edge = await openEdge({
    async *download(_note, call) {
      call.responseHeader.set("content-range", "bytes some");
      yield { data: text("x") };
    },
  });
  const answer = await fetch(`${edge.url}/v1/files/odd`);
  expect([answer.status, (await answer.json()) as object]).toMatchObject([
    502,
    { reason: "unreadable_answer" },
  ]);
});

test("a reader who lies still keeps the service from reading its file", async () => {
  // Nothing that shrinks on its way from the service.
  const data = randomBytes(64 * 1024);
  let given = 0;
  const left = Promise.withResolvers<void>();
  await using edge = await openEdge({
    async *download(_note, call) {
      call.onEnd(() => left.resolve());
      for (;;) {
        yield { data };
        given += data.length;
      }
    },
  });
  const socket = connect(edge.port, "127.0.0.1");
  socket.write("GET /v1/files/endless HTTP/1.1\r\nhost: x\r\n\r\n");
  socket.pause();
  let before = -1;
  while (given !== before) {
    before = given;
    await sleep(100);
  }
  expect(given).toBeLessThan(64 * 1024 * 1024);
  socket.destroy();
  await left.promise;
});
