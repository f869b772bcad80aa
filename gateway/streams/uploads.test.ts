import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fail } from "#mesh";
import type { FilesHandlers } from "./testing/open-edge.ts";
import { openEdge } from "./testing/open-edge.ts";

const ndjson = { "content-type": "application/x-ndjson" };
const post = async (
  url: string,
  body: string | Uint8Array | FormData | AsyncIterable<Uint8Array>,
  headers: Record<string, string> = {},
) => {
  const answer = await fetch(url, { method: "POST", headers, body, duplex: "half" } as RequestInit);
  return {
    status: answer.status,
    ...((await answer.json()) as { data: object; reason: string; error: string }),
  };
};

describe("lines of JSON", () => {
  test("are messages, for each of which holds what the path says", async () => {
    await using edge = await openEdge();
    const body = '{"number":1}\r\n\n{"number":"20","text":"a"}\n  \n{"number":300}';
    const answer = await post(`${edge.url}/v1/notes/a:sum`, body, ndjson);
    expect(answer).toMatchObject({ status: 200, data: { number: "321", text: "a" } });
    expect(await post(`${edge.url}/v1/notes/a:sum`, "", ndjson)).toMatchObject({ data: { number: "0" } });
  });

  test("that are wrong end the call, and are told by their number", async () => {
    const ended = Promise.withResolvers<unknown>();
    await using edge = await openEdge({
      async sum(notes, call) {
        call.onEnd(() => ended.resolve(call.ended));
        for await (const _note of notes);
        return { text: "as if it were whole" };
      },
    });
    const url = `${edge.url}/v1/notes/a:sum`;
    const bad = await post(url, '{"number":1}\n{"nummer":2}\n', ndjson);
    expect(bad).toMatchObject({ status: 400, reason: "unknown_field" });
    expect(bad.error).toMatch(/^line 2: body: nummer: /);
    await ended.promise;
    expect(await post(url, '{"text":"b"}\n', ndjson)).toMatchObject({ status: 400 });
    expect((await edge.calls(2)).map(({ code }) => code)).toEqual(["invalid_argument", "invalid_argument"]);
  });

  test("come in a type of their own", async () => {
    await using edge = await openEdge();
    const headers = { "content-type": "application/json" };
    expect(await post(`${edge.url}/v1/notes/a:sum`, "{}", headers)).toMatchObject({ status: 415 });
    const zipped = { ...ndjson, "content-encoding": "gzip" };
    expect(await post(`${edge.url}/v1/notes/a:sum`, "{}", zipped)).toMatchObject({
      status: 415,
      reason: "unsupported_encoding",
    });
  });

  test("are bounded, each and all together", async () => {
    await using edge = await openEdge({}, { bodyBytes: 100, uploadBytes: 1000 });
    const url = `${edge.url}/v1/notes/a:sum`;
    const line = `{"eventId":"${"x".repeat(70)}"}\n`;
    expect(await post(url, line.repeat(10), ndjson)).toMatchObject({ status: 200 });
    expect(await post(url, `{"eventId":"${"x".repeat(100)}"}\n`, ndjson)).toMatchObject({ status: 413 });
    const chunks = (async function* () {
      for (let i = 0; i < 20; i++) yield Buffer.from(line);
    })();
    expect(await post(url, chunks, ndjson)).toMatchObject({ status: 413, reason: "body_too_large" });
  });
});

describe("a raw body", () => {
  test("is sent in pieces, behind what path and query say and of what type it is", async () => {
    const seen: object[] = [];
    await using edge = await openEdge({
      async put(uploads) {
        for await (const { folder, copies, tags, file } of uploads) {
          seen.push({ folder, copies, tags, type: file?.contentType, size: file?.data.length });
        }
        return {};
      },
    });
    const body = Buffer.alloc(150_000, "x");
    await post(`${edge.url}/v1/folders/a%20b?copies=2&tags=x&tags=y`, body, { "content-type": "image/png" });
    expect(seen[0]).toEqual({ folder: "a b", copies: 2, tags: ["x", "y"], type: "image/png", size: 0 });
    const rest = seen.slice(1) as { size: number }[];
    for (const it of rest) expect(it).toMatchObject({ folder: "", copies: 0, tags: [], type: "" });
    expect(Math.max(...rest.map(({ size }) => size))).toBeLessThanOrEqual(64 * 1024);
    expect(rest.reduce((sum, { size }) => sum + size, 0)).toBe(150_000);
  });

  test("may be the whole request, and empty", async () => {
    await using edge = await openEdge();
    const type = { "content-type": "audio/ogg" };
    expect(await post(`${edge.url}/v1/raw`, Buffer.alloc(99_999), type)).toMatchObject({
      data: { bytes: "99999", content_type: "audio/ogg" },
    });
    expect(await post(`${edge.url}/v1/raw`, "", type)).toMatchObject({
      status: 200,
      data: { bytes: "0", content_type: "audio/ogg" },
    });
  });

  test("comes over HTTP/2 as well", async () => {
    await using edge = await openEdge();
    const session = connectHttp2(edge.url);
    const stream = session.request({ ":method": "POST", ":path": "/v1/raw", "content-type": "audio/ogg" });
    for (let i = 0; i < 50; i++) stream.write(Buffer.alloc(10_000));
    stream.end();
    let answer = "";
    for await (const chunk of stream) answer += chunk;
    expect(JSON.parse(answer)).toMatchObject({ data: { bytes: "500000", content_type: "audio/ogg" } });
    session.destroy();
  });

  test("with a query that the request has not is refused", async () => {
    await using edge = await openEdge();
    const url = `${edge.url}/v1/folders/a`;
    expect(await post(`${url}?copys=1`, "x")).toMatchObject({ status: 400, reason: "unknown_field" });
    expect(await post(`${url}?copies=0x1`, "x")).toMatchObject({ status: 400, reason: "bad_value" });
  });

  test("is not larger than allowed, said or unsaid", async () => {
    await using edge = await openEdge({}, { uploadBytes: 100_000 });
    const url = `${edge.url}/v1/raw`;
    expect(await post(url, Buffer.alloc(100_000))).toMatchObject({ status: 200 });
    expect(await post(url, Buffer.alloc(100_001))).toMatchObject({ status: 413, reason: "body_too_large" });
    const chunks = (async function* () {
      for (let i = 0; i < 11; i++) yield Buffer.alloc(10_000);
    })();
    expect(await post(url, chunks)).toMatchObject({ status: 413 });
  });

  test("that brings nothing for a while is given up, unless the service is what it waits for", async () => {
    await using edge = await openEdge(
      {
        async putRaw(bodies) {
          for await (const _body of bodies) await sleep(60);
          return {};
        },
      },
      { policy: { silentMs: 50 } },
    );
    expect(await post(`${edge.url}/v1/raw`, Buffer.alloc(200_000))).toMatchObject({ status: 200 });
    const socket = connect(edge.port, "127.0.0.1");
    socket.write("POST /v1/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
    socket.destroy();
  });

  test("that a client breaks off is never taken for a whole one", async () => {
    const outcome = Promise.withResolvers<string>();
    await using edge = await openEdge({
      async putRaw(bodies) {
        try {
          for await (const _body of bodies);
          outcome.resolve("whole");
        } catch {
          outcome.resolve("broken off");
        }
        return {};
      },
    });
    const socket = connect(edge.port, "127.0.0.1");
    socket.write("POST /v1/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf");
    await sleep(50);
    socket.destroy();
    expect(await outcome.promise).toBe("broken off");
    expect((await edge.calls())[0]).toMatchObject({ code: "canceled" });
  });

  test("is answered at once by a service that does not want it", async () => {
    await using edge = await openEdge({
      async put(uploads) {
        for await (const { file } of uploads) {
          if (file?.contentType !== "image/png")
            throw fail.invalid("not_a_picture", "only pictures are taken");
        }
        return {};
      },
    });
    const socket = connect(edge.port, "127.0.0.1");
    // Not a byte of the body is there yet.
    socket.write("POST /v1/folders/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain("not_a_picture");
    socket.destroy();
  });

  test("waits for a service that takes its time", async () => {
    const gate = Promise.withResolvers<void>();
    await using edge = await openEdge({
      async putRaw(bodies) {
        await gate.promise;
        let bytes = 0n;
        for await (const { data } of bodies) bytes += BigInt(data.length);
        return { bytes };
      },
    });
    const size = 64 * 1024 * 1024;
    const socket = connect(edge.port, "127.0.0.1");
    socket.write(`POST /v1/raw HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\n`);
    const chunk = Buffer.alloc(1024 * 1024);
    let given = 0;
    const give = async () => {
      for (; given < size; given += chunk.length) if (!socket.write(chunk)) await once(socket, "drain");
    };
    const giving = give();
    let before = -1;
    while (given !== before) {
      before = given;
      await sleep(100);
    }
    // What systems buffer on the way.
    expect(given).toBeLessThan(size / 2);
    gate.resolve();
    await giving;
    const [answer] = await once(socket, "data");
    expect(String(answer)).toContain(`"bytes":"${size}"`);
    socket.destroy();
  });
});

describe("a form", () => {
  const file = (content: string | Uint8Array<ArrayBuffer>, type = "image/png") =>
    new Blob([content], { type });
  const form = (...parts: [string, string | Blob, string?][]) => {
    const data = new FormData();
    for (const [name, value, filename] of parts) {
      if (typeof value === "string") data.append(name, value);
      else data.append(name, value, filename);
    }
    return data;
  };

  test("sets the fields of the request by either name, and sends its file in pieces", async () => {
    await using edge = await openEdge();
    const body = form(
      ["copies", "3"],
      ["tags", "x & y"],
      ["tags", "ü=z"],
      ["picture", file(new Uint8Array(500_000)), "cat.png"],
    );
    const answer = await post(`${edge.url}/v1/folders/pets`, body);
    expect(answer).toMatchObject({
      status: 200,
      data: {
        folder: "pets",
        copies: 3,
        tags: ["x & y", "ü=z"],
        filename: "cat.png",
        content_type: "image/png",
        bytes: "500000",
      },
    });
    expect((answer.data as { largest: number }).largest).toBeLessThanOrEqual(64 * 1024);
  });

  test("gives the file's name only where nobody else does, and as a name alone", async () => {
    await using edge = await openEdge();
    const url = `${edge.url}/v1/folders/pets`;
    const nameOf = async (query: string, body: FormData) =>
      ((await post(url + query, body)).data as { filename: string }).filename;
    expect(await nameOf("", form(["filename", "mine"], ["file", file("x"), "cat.png"]))).toBe("mine");
    expect(await nameOf("?filename=asked", form(["file", file("x"), "cat.png"]))).toBe("asked");
    expect(await nameOf("", form(["file", file("x"), "../../etc/passwd"]))).toBe("passwd");
  });

  test("may be all of the request", async () => {
    await using edge = await openEdge();
    expect(await post(`${edge.url}/v1/raw`, form(["file", file("1234"), "a"]))).toMatchObject({
      data: { bytes: "4", content_type: "image/png" },
    });
  });

  const bad: [string, FormData, number, string][] = [
    ["a field behind the file", form(["file", file("x"), "a"], ["copies", "1"]), 400, "field_after_file"],
    ["two files", form(["file", file("x"), "a"], ["file", file("y"), "b"]), 400, "too_many_files"],
    ["no file", form(["copies", "1"]), 400, "file_missing"],
    ["an unknown field", form(["copys", "1"], ["file", file("x"), "a"]), 400, "unknown_field"],
    ["a bad value", form(["copies", "one"], ["file", file("x"), "a"]), 400, "bad_value"],
    ["a field that is the path's", form(["folder", "b"], ["file", file("x"), "a"]), 400, "conflicting_field"],
    ["a field without a name", form(["", "1"], ["file", file("x"), "a"]), 400, "bad_form"],
    [
      "a large field",
      form(["filename", "x".repeat(70_000)], ["file", file("x"), "a"]),
      413,
      "body_too_large",
    ],
    [
      "many fields",
      form(...Array.from({ length: 101 }, (): [string, string] => ["tags", "x"]), ["file", file("x"), "a"]),
      400,
      "too_many_fields",
    ],
  ];
  test.each(bad)("with %s is refused", async (_what, body, status, reason) => {
    await using edge = await openEdge();
    expect(await post(`${edge.url}/v1/folders/pets`, body)).toMatchObject({ status, reason });
  });

  test("whose fields are too much together is refused", async () => {
    await using edge = await openEdge({}, { bodyBytes: 1024 });
    const fields = Array.from({ length: 20 }, (): [string, string] => ["tags", "x".repeat(100)]);
    const body = form(...fields, ["file", file("x"), "a"]);
    expect(await post(`${edge.url}/v1/folders/pets`, body)).toMatchObject({ status: 413 });
  });

  const start = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc';
  const odd: [string, string, string][] = [
    ["that does not end", start, "multipart/form-data; boundary=b"],
    ["without a boundary", `${start}\r\n--b--\r\n`, "multipart/form-data"],
    ["that is none", "hello", "multipart/form-data; boundary=b"],
    ["that is empty", "", "multipart/form-data; boundary=b"],
  ];
  test.each(odd)("%s is refused, and its file never taken for whole", async (_what, body, type) => {
    let whole = false;
    const own: Partial<FilesHandlers> = {
      async put(uploads) {
        for await (const _upload of uploads);
        whole = true;
        return {};
      },
    };
    await using edge = await openEdge(own);
    const answer = await post(`${edge.url}/v1/folders/pets`, body, { "content-type": type });
    expect(answer.status).toBe(400);
    expect(whole).toBe(false);
  });
});
