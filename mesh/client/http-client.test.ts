import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { UniversalClientRequest } from "@connectrpc/connect/protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openHttp2 } from "./http-client.ts";

const servers: Http2Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers begin at once and end when the test says. */
async function open() {
  const sessions: ServerHttp2Session[] = [];
  const streams: ServerHttp2Stream[] = [];
  const server = createServer();
  servers.push(server);
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream) => {
    streams.push(stream);
    stream.respond({ ":status": 200 });
    stream.write("first ");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { sessions, streams, url, wire: openHttp2(url) };
}

const requestTo = (url: string, signal?: AbortSignal): UniversalClientRequest => ({
  url: `${url}/x`,
  method: "POST",
  header: new Headers(),
  ...(signal && { signal }),
});

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("connections that are left", () => {
  test("go at once when nothing runs on them", async () => {
    const { sessions, streams, url, wire } = await open();
    const { body } = await wire.send(requestTo(url));
    streams[0]?.end("last");
    expect(await textOf(body)).toBe("first last");
    expect(sessions[0]?.destroyed).toBe(false);
    wire.leave();
    await vi.waitFor(() => expect(sessions[0]?.destroyed).toBe(true));
  });

  test("go when the last answer that runs on them has ended, and it is whole", async () => {
    const { sessions, streams, url, wire } = await open();
    const answers = await Promise.all([wire.send(requestTo(url)), wire.send(requestTo(url))]);
    wire.leave();
    const [one, other] = answers.map(({ body }) => textOf(body));
    streams[0]?.end("last");
    expect(await one).toBe("first last");
    expect(sessions[0]?.destroyed).toBe(false);
    streams[1]?.end("of all");
    expect(await other).toBe("first of all");
    await vi.waitFor(() => expect(sessions[0]?.destroyed).toBe(true));
  });

  test("go when those who read on them have left without a word", async () => {
    const { sessions, url, wire } = await open();
    const leaving = new AbortController();
    await wire.send(requestTo(url, leaving.signal));
    wire.leave();
    leaving.abort();
    await vi.waitFor(() => expect(sessions[0]?.destroyed).toBe(true));
  });

  test("are nothing to wait for when there never was one", async () => {
    const { wire } = await open();
    wire.leave();
    wire.close();
    const gone = openHttp2("http://127.0.0.1:1");
    await expect(gone.send(requestTo("http://127.0.0.1:1"))).rejects.toThrow();
    gone.leave();
  });
});
