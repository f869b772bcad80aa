import type { ServerHttp2Stream } from "node:http2";
import { createServer } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { closeAll, failed, listen, make, note, toClose } from "../testing/scripted-server.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createGeneralUnary } from "./general-unary.ts";

afterEach(closeAll);

const proto = { ":status": 200, "content-type": "application/proto" };
const page = (status: number) => (stream: ServerHttp2Stream) => {
  stream.respond({ ":status": status, "content-type": "text/html" });
  stream.end("<h1>Hello");
};
const answers: Record<string, [(stream: ServerHttp2Stream) => void, reason: string]> = {
  "is reset": [(it) => it.close(2), "connection_lost"],
  "is reset as if we had cancelled": [(it) => it.close(8), "connection_lost"],
  "is reset for asking too much": [(it) => it.close(11), "connection_lost"],
  "is shorter than it says": [
    (stream) => {
      stream.respond({ ...proto, "content-length": "100" });
      stream.end(Buffer.alloc(10));
    },
    "connection_lost",
  ],
  "is a page": [page(200), "unreadable_answer"],
  "is a page that asks who we are": [page(401), "unreadable_answer"],
  "is a page that finds nothing": [page(404), "unreadable_answer"],
  "is a page of something that broke": [page(500), "unreadable_answer"],
  "is a page of something that is away": [page(503), "unavailable"],
  "ends within its message": [
    (stream) => {
      stream.respond(proto);
      stream.end(Buffer.from([10, 50, 1]));
    },
    "unreadable_answer",
  ],
  "is too large": [
    (stream) => {
      stream.respond(proto);
      stream.end(Buffer.alloc(5 * 1024 * 1024));
    },
    "unreadable_answer",
  ],
  "is the callee's own": [
    (stream) => {
      stream.respond({ ":status": 404, "content-type": "application/json" });
      stream.end('{"code":"not_found","message":"no such note"}');
    },
    "not_found",
  ],
};

test.each(Object.entries(answers))(
  "an answer that %s is told as what it is",
  async (_what, [act, reason]) => {
    const server = createServer();
    server.on("sessionError", () => {});
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      act(stream);
    });
    const port = await listen(server as never);
    const { transport, close } = openGeneralLane({ baseUrl: `http://127.0.0.1:${port}` });
    toClose.push(close);
    const made = make(createGeneralUnary(transport), { message: note("hi") });
    expect(await failed(made)).toMatchObject({ reason, processed: true });
  },
);
