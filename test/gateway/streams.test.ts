import { afterAll, beforeAll, expect, test } from "vitest";
import { learnedService } from "./kit/learned.ts";
import type { Platform } from "./kit/platform.ts";
import { ask, register, startPlatform } from "./kit/platform.ts";

const signedIn = { access: { signedIn: true } };
const news = learnedService(
  {
    process: "news",
    package: "news.v1",
    messages: {
      Wish: ["count: int32 = 1", "last_event_id: string = 2"],
      Item: ["event_id: string = 1", "text: string = 2"],
      Upload: ["name: string = 1", "filename: string = 2", "file: google.api.HttpBody = 3"],
      Stored: ["name: string = 1", "bytes: int64 = 2", "who: string = 3"],
    },
    services: {
      NewsService: {
        Follow: {
          http: { get: "/api/v1/news" },
          stream: "out",
          input: "Wish",
          output: "Item",
          idempotency: "NO_SIDE_EFFECTS",
          options: signedIn,
        },
        Store: {
          http: { post: "/api/v1/news/{name}/file", body: "file" },
          stream: "in",
          input: "Upload",
          output: "Stored",
          options: signedIn,
        },
      },
    },
  },
  {
    async *follow({ count, lastEventId }: Record<string, unknown>, call) {
      if (count === -1) throw new Error("broken");
      const from = Number(lastEventId || 0);
      for (let id = from + 1; id <= from + Number(count); id++) {
        yield { eventId: `${id}`, text: `${call.caller.user?.email} ${id}` };
      }
    },
    async store(requests, call) {
      let [name, bytes] = ["", 0];
      for await (const request of requests as unknown as AsyncIterable<{
        name: string;
        file?: { data: Uint8Array };
      }>) {
        name ||= request.name;
        bytes += request.file?.data.length ?? 0;
      }
      return { name, bytes: BigInt(bytes), who: call.caller.user?.email };
    },
  },
);

let platform: Platform;
let url = "";
let token = "";
beforeAll(async () => {
  platform = await startPlatform({ services: [news] });
  url = platform.url;
  token = (await register(url, "ada@example.com")).body.data.session.access_token;
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

test("a browser follows a stream as its user, and takes it up where it left off", async () => {
  const headers = { accept: "text/event-stream" };
  const first = await ask(url, "GET", "/api/v1/news?count=2", { token, headers });
  expect(first.headers.get("content-type")).toContain("text/event-stream");
  expect(first.body).toContain('id: 2\ndata: {"event_id":"2","text":"ada@example.com 2"}');
  const next = await ask(url, "GET", "/api/v1/news?count=1", {
    token,
    headers: { ...headers, "last-event-id": "2" },
  });
  expect(next.body).toContain("id: 3\n");
  expect(next.body).not.toContain("id: 2\n");
});

test("a script takes lines of JSON", async () => {
  const { body } = await ask(url, "GET", "/api/v1/news?count=3", { token });
  const lines = (body as string).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).event_id)).toEqual(["1", "2", "3"]);
});

test("a stream that fails at once, or that nobody may follow, has a status of its own", async () => {
  expect((await ask(url, "GET", "/api/v1/news?count=-1", { token })).status).toBe(500);
  expect((await ask(url, "GET", "/api/v1/news?count=1")).status).toBe(401);
});

test("a file is uploaded raw or by a form", async () => {
  const data = "x".repeat(300_000);
  const raw = await ask(url, "POST", "/api/v1/news/cat/file", {
    token,
    body: data,
    headers: { "content-type": "image/png" },
  });
  expect(raw.body.data).toEqual({ name: "cat", bytes: "300000", who: "ada@example.com" });
  const form = new FormData();
  form.set("file", new Blob([data]), "cat.png");
  const answer = await fetch(`${url}/api/v1/news/cat/file`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  expect(((await answer.json()) as { data: unknown }).data).toEqual({
    name: "cat",
    bytes: "300000",
    who: "ada@example.com",
  });
});
