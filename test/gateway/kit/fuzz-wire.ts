import type { ClientHttp2Session } from "node:http2";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { preface as expressPreface } from "#mesh/express/frame.ts";
import { call, cancel, fields, frameOf, word } from "#mesh/testing/express.ts";
import { libraryMessage } from "../../../gateway/testing/library-contract.ts";
import {
  block,
  data,
  flag,
  frame,
  headers,
  ping,
  preface,
  settings,
  windowUpdate,
} from "../../attacks/kit/frames.ts";
import { isByTheNorm } from "./fuzz-answers.ts";
import { echoed } from "./fuzz-contract.ts";
import type { Random } from "./fuzz-random.ts";
import { mutated } from "./fuzz-random.ts";
import { envelope, messageFor, restRequest, rpcRequest, withoutHalves } from "./fuzz-requests.ts";
import { spiteful } from "./fuzz-values.ts";

const pieces = [
  "\r\n",
  "\n",
  "\r\n\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Content-Length: 0\r\n",
  "0\r\n\r\n",
  " HTTP/1.1",
  "\0",
  ":",
  ...spiteful,
].map((it) => Buffer.from(it));

/** Bytes of HTTP/1.1 with something wrong anywhere. */
export function brokenBytes(random: Random): Buffer {
  const good = Array.from(
    { length: 1 + random.below(3) },
    () => (random.oneIn(2) ? restRequest : rpcRequest)(random).bytes,
  );
  return mutated(Buffer.concat(good), random, pieces);
}

const http2Fields = (random: Random) => ({
  ":method": random.of(["POST", "GET", "HEAD", "CONNECT", "x"]),
  ":scheme": "http",
  ":path": random.of([
    ...echoed.map((it) => `/fuzz.v1.FuzzService/Echo${it}`),
    "/api/v1/shelves/a/pages/1/2",
    "/health",
    "/",
    "*",
  ]),
  ":authority": "fuzz",
  "content-type": random.of([
    "application/grpc",
    "application/grpc+json",
    "application/json",
    "application/proto",
  ]),
  ...(random.oneIn(2) && { te: "trailers" }),
  ...(random.oneIn(4) && { "grpc-timeout": random.of(["1S", "x", "1n"]) }),
});

/** Frames of HTTP/2 with something wrong anywhere. */
export function brokenFrames(random: Random): Buffer {
  const message = () => envelope(messageFor(libraryMessage("Book"), random, random.oneIn(2)), random);
  const one = (): Buffer => {
    const id = random.below(12);
    switch (random.below(8)) {
      case 0:
        return headers(
          id | 1,
          block(http2Fields(random)),
          flag.endHeaders | (random.oneIn(3) ? flag.endStream : 0),
        );
      case 1:
        return data(id | 1, message(), random.oneIn(2) ? flag.endStream : 0);
      case 2:
        return windowUpdate(id, random.below(0x7fffffff));
      case 3:
        return ping();
      case 4:
        return settings({ [random.below(8)]: random.below(100_000) });
      case 5:
        return frame(random.below(12), random.below(256), id, random.bytes(random.below(30)));
      default:
        return Buffer.concat([
          headers(id | 1, block(http2Fields(random))),
          data(id | 1, message(), flag.endStream),
        ]);
    }
  };
  const frames = Array.from({ length: 1 + random.below(8) }, one);
  const all = Buffer.concat([settings({ 4: 65_535 }), ...frames]);
  return Buffer.concat([preface, random.oneIn(3) ? all : mutated(all, random)]);
}

/** Frames of the express lane, which strangers can speak too. */
export function brokenExpress(random: Random): Buffer {
  const more = fields(["weft-fault", "unavailable@100%"], ["x-forwarded-for", "1.2.3.4"]);
  const one = () => {
    switch (random.below(5)) {
      case 0:
        return cancel(random.below(5));
      case 1:
        return frameOf(random.below(256), random.bytes(random.below(40)));
      default:
        return call({
          id: random.below(9),
          method: random.below(5),
          authorization: random.below(5),
          fields: more,
          message: random.bytes(random.below(30)),
        });
    }
  };
  const words = [
    word(1, "/gateway.v1.GatewayService/ListServices"),
    word(2, "/gateway.v1.GatewayService/GetStatus"),
    word(3, "Bearer x"),
    word(4, "/fuzz.v1.FuzzService/EchoBook"),
  ];
  return Buffer.concat([
    expressPreface,
    mutated(Buffer.concat([...words, ...Array.from({ length: 1 + random.below(9) }, one)]), random),
  ]);
}

const patienceMs = 15_000;
const ours = /HTTP\/1\.1 5(?!01|05)\d\d|"code":"(internal|unknown)"|\n\s+at |node_modules|\.ts:\d/;

/** Sends bytes and closes our side: the other side must end it too, whatever they were. Says what it did wrong. */
export function sendBytes(
  port: number,
  bytes: Buffer,
  count: (status: number) => void,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    let received = "";
    const timer = setTimeout(() => over("hangs"), patienceMs);
    const over = (wrong?: string) => {
      clearTimeout(timer);
      socket.destroy();
      // The document describes failures, and is none.
      const found = received.includes('"openapi":"3.1') ? null : ours.exec(received);
      const isOurs = found && !isByTheNorm(received.slice(found.index, found.index + 200));
      count(Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0));
      resolve(
        wrong ??
          (isOurs
            ? `answers ${JSON.stringify(received.slice(Math.max(0, found.index - 200), found.index + 400))}`
            : undefined),
      );
    };
    socket.on("data", (chunk: Buffer) => {
      if (received.length < 100_000) received += chunk.toString("latin1");
    });
    socket.once("error", () => over());
    socket.once("close", () => over());
    socket.once("connect", () => socket.end(bytes));
  });
}

/** A session that is opened again when the other side ended it. */
export function openGrpc(port: number): {
  readonly call: (random: Random, count: (status: number) => void) => Promise<string | undefined>;
  readonly close: () => void;
} {
  let session: ClientHttp2Session | undefined;
  const current = () => {
    if (!session || session.closed || session.destroyed) {
      session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on("error", () => {});
    }
    return session;
  };
  return {
    close: () => session?.destroy(),
    call: (random, count) =>
      new Promise((resolve) => {
        const name = random.of(echoed.filter((it) => it !== "Older"));
        const contentType = random.of([
          "application/grpc",
          "application/grpc+proto",
          "application/grpc+json",
        ]);
        const message = () =>
          withoutHalves(messageFor(libraryMessage(name), random, contentType.endsWith("json")));
        const body = Buffer.concat(
          Array.from({ length: random.oneIn(6) ? random.below(4) : 1 }, () => envelope(message(), random)),
        );
        const stream = current().request({
          ":method": "POST",
          ":path": `/fuzz.v1.FuzzService/${random.oneIn(10) ? "Flow" : `Echo${name}`}`,
          "content-type": contentType,
          te: "trailers",
          ...(random.oneIn(5) && { "grpc-encoding": random.of(["gzip", "x", "identity"]) }),
          ...(random.oneIn(5) && { "grpc-timeout": random.of(["5S", "x", "1n", "99999999H"]) }),
        });
        let status = 0;
        let code: unknown;
        let what: unknown;
        const timer = setTimeout(() => {
          stream.close();
          resolve("hangs");
        }, patienceMs);
        const note = (fields: Record<string, unknown>) => {
          status = Number(fields[":status"] ?? status);
          code = fields["grpc-status"] ?? code;
          what = fields["grpc-message"] ?? what;
        };
        stream.on("response", note);
        stream.on("trailers", note);
        stream.on("error", () => {});
        stream.resume();
        stream.once("close", () => {
          clearTimeout(timer);
          count(status);
          const isOurs =
            (["2", "13", "14", "15"].includes(String(code)) && !isByTheNorm(String(what))) ||
            (status >= 500 && status !== 501);
          resolve(isOurs ? `status ${status}, grpc-status ${code}: ${what}` : undefined);
        });
        stream.end(body);
      }),
  };
}
