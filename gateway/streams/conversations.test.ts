import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { expect, test } from "vitest";
import { fail } from "#mesh";
import { openEdge } from "./testing/open-edge.ts";

const ndjson = { "content-type": "application/x-ndjson" };

test("both sides talk in turn, a line for each message", async () => {
  await using edge = await openEdge();
  const session = connectHttp2(edge.url);
  const stream = session.request({ ":method": "POST", ":path": "/v1/notes:chat", ...ndjson });
  stream.setEncoding("utf8");
  for (const text of ["one", "two", "three"]) {
    stream.write(`{"text":"${text}"}\n`);
    const [line] = await once(stream, "data");
    expect(JSON.parse(line)).toMatchObject({ text: `heard ${text}` });
  }
  stream.end();
  await once(stream, "end");
  session.destroy();
});

test("over HTTP/1.1 too", async () => {
  await using edge = await openEdge();
  const body = '{"text":"one"}\n{"text":"two"}\n';
  const answer = await fetch(`${edge.url}/v1/notes:chat`, { method: "POST", headers: ndjson, body });
  expect((await answer.text()).split("\n")).toHaveLength(3);
});

test("a line that is wrong is told of with a status while nothing was said, and in a last line behind that", async () => {
  await using edge = await openEdge();
  const send = (body: string) =>
    fetch(`${edge.url}/v1/notes:chat`, { method: "POST", headers: ndjson, body });
  const early = await send('{"txt":"one"}\n');
  expect([early.status, (await early.json()) as object]).toMatchObject([400, { reason: "unknown_field" }]);

  const session = connectHttp2(edge.url);
  const stream = session.request({ ":method": "POST", ":path": "/v1/notes:chat", ...ndjson });
  stream.setEncoding("utf8");
  stream.write('{"text":"one"}\n');
  await once(stream, "data");
  stream.end("{");
  const [last] = await once(stream, "data");
  expect(JSON.parse(last)).toMatchObject({ success: false, statusCode: 400, reason: "bad_json" });
  await once(stream, "end");
  session.destroy();
});

test("events are not for those who talk", async () => {
  await using edge = await openEdge();
  const headers = { ...ndjson, accept: "text/event-stream" };
  const answer = await fetch(`${edge.url}/v1/notes:chat`, { method: "POST", headers, body: "" });
  expect(answer.status).toBe(406);
});

test("a service that has heard enough ends it, though the client would go on", async () => {
  await using edge = await openEdge(
    {
      async *chat(notes) {
        for await (const _note of notes) {
          yield { text: "enough" };
          return;
        }
      },
    },
    { limits: { lingerMs: 100 } },
  );
  const session = connectHttp2(edge.url);
  const stream = session.request({ ":method": "POST", ":path": "/v1/notes:chat", ...ndjson });
  stream.write('{"text":"one"}\n');
  let all = "";
  stream.on("data", (chunk) => {
    all += chunk;
  });
  await once(stream, "end");
  expect(all).toContain("enough");
  session.destroy();
  expect((await edge.calls())[0]).toMatchObject({ code: "ok" });
});

test("a gateway that stops ends it", async () => {
  await using edge = await openEdge({}, { limits: { lingerMs: 100 } });
  const session = connectHttp2(edge.url);
  const stream = session.request({ ":method": "POST", ":path": "/v1/notes:chat", ...ndjson });
  stream.setEncoding("utf8");
  stream.write('{"text":"one"}\n');
  await once(stream, "data");
  edge.stopping.abort(fail.unavailable("stopping", "this instance is stopping"));
  const [last] = await once(stream, "data");
  expect(JSON.parse(last)).toMatchObject({ success: false, reason: "stopping" });
  session.destroy();
});

test("a file is turned into another while it comes", async () => {
  await using edge = await openEdge();
  const headers = { "content-type": "text/plain" };
  const body = "quiet ".repeat(50_000);
  const answer = await fetch(`${edge.url}/v1/raw:convert`, { method: "POST", headers, body });
  expect(answer.headers.get("content-type")).toBe("text/shouted");
  expect(await answer.text()).toBe(body.toUpperCase());
});
