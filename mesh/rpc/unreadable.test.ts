import { describe, expect, test } from "vitest";
import { echoMethod } from "../testing/method.ts";
import type { CallRecord } from "./record.ts";
import { blameInTrailers, blameTheSender } from "./unreadable.ts";

const record = (more: Partial<CallRecord> = {}): CallRecord => ({
  method: echoMethod,
  startedAt: 0,
  peer: { address: "", protocol: "" },
  ...more,
});

async function* body(...chunks: Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* chunks;
}

async function whole(chunks: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks ?? body()) all.push(chunk);
  return Buffer.concat(all);
}

const inner = Buffer.from(JSON.stringify({ code: "internal", message: "parse binary: premature EOF" }));
const connect = () => ({
  status: 500,
  header: new Headers({ "content-type": "application/json" }),
  body: body(inner),
});

describe("a unary request that cannot be decoded", () => {
  test("is the sender's fault over Connect", async () => {
    const response = await blameTheSender(connect(), record());
    expect(response.status).toBe(400);
    expect(JSON.parse((await whole(response.body)).toString())).toMatchObject({ code: "invalid_argument" });
  });

  test("is the sender's fault over gRPC", () => {
    const trailer = new Headers({
      "grpc-status": "13",
      "grpc-message": "parse%20binary%3A%20premature%20EOF",
    });
    blameInTrailers({ status: 200, trailer }, record());
    expect(trailer.get("grpc-status")).toBe("3");
  });

  test("is the sender's fault over gRPC-Web, in a frame of the right length", async () => {
    const text = Buffer.from("grpc-status: 13\r\ngrpc-message: parse%20binary\r\n");
    const frame = Buffer.concat([Buffer.from([0x80, 0, 0, 0, text.length]), text]);
    const header = new Headers({ "content-type": "application/grpc-web+proto" });
    const response = await blameTheSender({ status: 200, header, body: body(frame) }, record());
    const sent = await whole(response.body);
    expect(sent.readUInt32BE(1)).toBe(sent.length - 5);
    expect(sent.subarray(5).toString()).toContain("grpc-status: 3\r\n");
  });
});

describe("what a handler answered", () => {
  test.each([{ began: true }, { error: new Error("boom") }])("is left alone: %j", async (more) => {
    const response = await blameTheSender(connect(), record(more));
    expect(response.status).toBe(500);
    expect(await whole(response.body)).toEqual(inner);
    const trailer = new Headers({ "grpc-status": "13", "grpc-message": "parse binary" });
    blameInTrailers({ status: 200, trailer }, record(more));
    expect(trailer.get("grpc-status")).toBe("13");
  });
});
