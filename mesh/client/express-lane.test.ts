import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import { reasonOf } from "../errors.ts";
import { kinds, preface, wireLimits } from "../express/frame.ts";
import type { Frame } from "../testing/express.ts";
import {
  answer,
  away,
  createFrameReader,
  failure,
  fields,
  frameOf,
  u8,
  u16,
  u32,
} from "../testing/express.ts";
import { NoteSchema, ProbeService } from "../testing/probe.ts";
import { openRpc } from "../testing/rpc.ts";
import { responseOf } from "./answer.ts";
import { createExpressLane } from "./express-lane.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createGeneralUnary } from "./general-unary.ts";
import type { LaneAnswer, LaneRequest, UnaryLane } from "./lane.ts";
import { isUnprocessed } from "./unprocessed.ts";

const toClose: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of toClose.splice(0).reverse()) await close();
});

async function listen(
  server: Pick<Server, "listen" | "address" | "close"> & { on: Server["on"] },
): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  toClose.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** One connection to a server that does as the test says. */
interface Peer {
  readonly socket: Socket;
  /** What the client sent, behind its preface. */
  readonly frames: Frame[];
  send(...frames: readonly Uint8Array[]): void;
}

interface Scripted {
  readonly port: number;
  readonly peers: Peer[];
}

/** A server of the express lane in the hand of the test. */
async function scripted(
  onFrame: (frame: Frame, peer: Peer) => void = () => {},
  onConnection: (peer: Peer) => void = ({ socket }) => void socket.write(preface),
): Promise<Scripted> {
  const peers: Peer[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const peer: Peer = { socket, frames: [], send: (...frames) => void socket.write(Buffer.concat(frames)) };
    let skip = preface.length;
    const read = createFrameReader((frame) => {
      peer.frames.push(frame);
      onFrame(frame, peer);
    });
    socket.on("data", (chunk: Buffer) => {
      const greeting = Math.min(skip, chunk.length);
      skip -= greeting;
      read(chunk.subarray(greeting));
    });
    peers.push(peer);
    onConnection(peer);
  });
  return { port: await listen(server), peers };
}

const idOf = ({ body }: Frame) => body.readUInt32BE(0);
const isCall = ({ kind }: Frame) => kind === kinds.call;
const note = (text: string) => toBinary(NoteSchema, create(NoteSchema, { text }));
/** Answers each call with a note. */
const answering = (frame: Frame, peer: Peer) => {
  if (isCall(frame)) peer.send(answer(idOf(frame), note("here")));
};

/** The general lane as a note of what it was given. */
function notingLane(): { lane: UnaryLane; taken: LaneRequest[] } {
  const taken: LaneRequest[] = [];
  const lane: UnaryLane = {
    start: (request, settle) => {
      taken.push(request);
      settle.answered({ header: undefined, trailer: undefined, message: note("general") });
      return () => {};
    },
    close: () => {},
  };
  return { lane, taken };
}

function open(port: number, { general = notingLane().lane, connectMs = 2000 } = {}): UnaryLane {
  const lane = createExpressLane({ host: "127.0.0.1", port, general, connectMs });
  toClose.push(() => lane.close());
  return lane;
}

const requestOf = (more: Partial<LaneRequest> = {}): LaneRequest => {
  const input = create(NoteSchema, { text: "hi" });
  return {
    method: ProbeService.method.echo as never,
    input,
    path: "/probe.v1.ProbeService/Echo",
    timeoutMs: 5000,
    authorization: "",
    statement: "",
    requestId: "r1",
    correlationId: "c1",
    traceparent: "",
    fields: undefined,
    message: toBinary(NoteSchema, input),
    ...more,
  };
};

interface Failed {
  readonly error: ConnectError;
  readonly processed: boolean;
}
interface Made {
  readonly ended: Promise<LaneAnswer | Failed>;
  /** How often it was told of its end. */
  ends(): number;
  cancel(): void;
}

function make(lane: UnaryLane, more: Partial<LaneRequest> = {}): Made {
  let ends = 0;
  let cancel = () => {};
  const ended = new Promise<LaneAnswer | Failed>((resolve) => {
    const end = (it: LaneAnswer | Failed) => {
      ends++;
      resolve(it);
    };
    cancel = lane.start(requestOf(more), { answered: end, failed: end });
  });
  return { ended, ends: () => ends, cancel: () => cancel() };
}

async function failed(made: Made): Promise<Failed & { reason: string }> {
  const it = await made.ended;
  if (!("error" in it)) throw new Error("it was answered");
  return { error: it.error, processed: it.processed, reason: reasonOf(it.error) };
}
async function textOf(made: Made): Promise<string> {
  const it = await made.ended;
  if ("error" in it) throw it.error;
  return (responseOf(ProbeService.method.echo as never, it, "").message as unknown as { text: string }).text;
}
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}

describe("an instance that speaks express", () => {
  test("has all calls over one connection, and a name is said once", async () => {
    const { port, peers } = await scripted(answering);
    const lane = open(port);
    const texts = await Promise.all(
      Array.from({ length: 50 }, () => textOf(make(lane, { authorization: "t" }))),
    );
    expect(new Set(texts)).toEqual(new Set(["here"]));
    await textOf(make(lane, { authorization: "t" }));
    expect(peers).toHaveLength(1);
    expect(peers[0]!.frames.filter(({ kind }) => kind === kinds.word)).toHaveLength(2);
  });

  test("may greet in pieces", async () => {
    const { port } = await scripted(answering, async ({ socket }) => {
      for (const byte of preface) {
        socket.write(Buffer.from([byte]));
        await sleep(3);
      }
    });
    expect(await textOf(make(open(port)))).toBe("here");
  });

  test("may send its first frame with the greeting", async () => {
    const { port } = await scripted(answering, ({ socket }) => {
      socket.write(Buffer.concat([preface, frameOf(kinds.pong), frameOf(200)]));
    });
    expect(await textOf(make(open(port)))).toBe("here");
  });

  test("is told when a call is given up, and of that call nothing is heard any more", async () => {
    const { port, peers } = await scripted();
    const lane = open(port);
    const made = make(lane);
    const other = make(lane);
    await until(() => (peers[0]?.frames.filter(isCall).length ?? 0) === 2);
    made.cancel();
    made.cancel();
    const [peer] = peers;
    await until(() => peer!.frames.some(({ kind }) => kind === kinds.cancel));
    const [first, second] = peer!.frames.filter(isCall).map(idOf);
    peer!.send(answer(first!, note("late")), answer(second!, note("here")));
    expect(await textOf(other)).toBe("here");
    expect(made.ends()).toBe(0);
    expect(peer!.frames.filter(({ kind }) => kind === kinds.cancel)).toHaveLength(1);
  });

  test("is not called at all when the call is given up before there is a connection", async () => {
    const { port, peers } = await scripted(answering);
    const lane = open(port);
    const made = make(lane);
    made.cancel();
    expect(await textOf(make(lane))).toBe("here");
    expect([made.ends(), peers[0]!.frames.filter(isCall).length]).toEqual([0, 1]);
  });
});

describe("a connection that is lost", () => {
  test.each(["destroy", "resetAndDestroy", "end"] as const)(
    "(%s) ends its calls as perhaps begun, and the next call makes another",
    async (how) => {
      let calls = 0;
      const { port, peers } = await scripted((frame, peer) => {
        if (isCall(frame) && ++calls > 3) answering(frame, peer);
      });
      const lane = open(port);
      const made = [make(lane), make(lane), make(lane)];
      await until(() => calls === 3);
      peers[0]!.socket[how]();
      for (const it of made) {
        expect(await failed(it)).toMatchObject({ reason: "connection_lost", processed: true });
        expect((await failed(it)).error.code).toBe(Code.Unavailable);
      }
      expect(await textOf(make(lane))).toBe("here");
      expect([peers.length, ...made.map((it) => it.ends())]).toEqual([2, 1, 1, 1]);
    },
  );

  test("and whoever gives up after that changes nothing", async () => {
    const { port, peers } = await scripted();
    const made = make(open(port));
    await until(() => peers[0]?.frames.some(isCall) === true);
    peers[0]!.socket.destroy();
    await failed(made);
    made.cancel();
    expect(made.ends()).toBe(1);
  });
});

describe("where nobody is", () => {
  test("a refused connection ends the call as not begun, and says where it was", async () => {
    const { port } = await scripted();
    for (const close of toClose.splice(0)) await close();
    const { error, processed, reason } = await failed(make(open(port)));
    expect([processed, reason, isUnprocessed(error)]).toEqual([false, "unreachable", true]);
    expect(error.rawMessage).toContain(`cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED`);
  });

  test("a name that there is not, too", async () => {
    const lane = createExpressLane({ host: "nothing.invalid", port: 1, general: notingLane().lane });
    toClose.push(() => lane.close());
    expect(await failed(make(lane))).toMatchObject({ processed: false, reason: "unreachable" });
  });

  test("a server that says nothing is waited for no longer than the connection may take", async () => {
    const { port } = await scripted(undefined, () => {});
    const { error, processed } = await failed(make(open(port, { connectMs: 60 })));
    expect(processed).toBe(false);
    expect(error.rawMessage).toMatch(/no greeting within 60 ms$/);
  });

  test("a server that hangs up before its greeting is one that did not take the call", async () => {
    const { port } = await scripted(undefined, ({ socket }) => void socket.end("WEF"));
    expect(await failed(make(open(port)))).toMatchObject({ processed: false, reason: "unreachable" });
  });
});

describe("a server that does not speak express", () => {
  const foreign: Record<string, () => Promise<number>> = {
    "HTTP/1.1": () => listen(createHttp1((_request, response) => response.end())),
    "HTTP/2": () => listen(createHttp2() as never),
    "another version of it": async () =>
      (await scripted(undefined, ({ socket }) => void socket.write("WEFT/2\r\n\r\n"))).port,
    "a line of text": async () =>
      (await scripted(undefined, ({ socket }) => void socket.write("220 mail\r\n"))).port,
    noise: async () =>
      (await scripted(undefined, ({ socket }) => void socket.write(Buffer.alloc(100_000, 0xfe)))).port,
  };
  test.each(Object.entries(foreign))(
    "but %s has its calls over the general lane, without trying again each time",
    async (_what, start) => {
      const port = await start();
      const { lane: general, taken } = notingLane();
      const lane = open(port, { general });
      expect(await textOf(make(lane))).toBe("general");
      expect(await textOf(make(lane))).toBe("general");
      expect(taken).toHaveLength(2);
    },
  );

  test("is called in truth: the probe behind HTTP/2 alone", async () => {
    const rpc = await openRpc();
    toClose.push(() => rpc[Symbol.asyncDispose]());
    // A port that hands on what is HTTP/2 and drops the rest, as a proxy of that protocol would.
    const { connect } = await import("node:net");
    const proxy = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", (first: Buffer) => {
        if (!first.toString("latin1").startsWith("PRI")) {
          socket.end("HTTP/1.1 505 HTTP Version Not Supported\r\n\r\n");
          return;
        }
        const upstream = connect(rpc.port, "127.0.0.1");
        upstream.on("error", () => socket.destroy());
        upstream.write(first);
        socket.once("close", () => upstream.destroy());
        socket.pipe(upstream).pipe(socket);
      });
    });
    const port = await listen(proxy);
    const lanes = openGeneralLane({ baseUrl: `http://127.0.0.1:${port}` });
    toClose.push(() => lanes.close());
    const lane = open(port, { general: createGeneralUnary(lanes.transport, () => {}) });
    expect(await textOf(make(lane))).toBe("hi");
  });
});

describe("what the express lane does not carry takes the general one", () => {
  const long = "x".repeat(wireLimits.wordBytes + 1);
  const cases: Record<string, Partial<LaneRequest>> = {
    "a large message": { message: new Uint8Array(wireLimits.requestBytes + 1) },
    "a long token": { authorization: long },
    "a long statement": { statement: long },
    "many fields": { fields: Array.from({ length: 2 * wireLimits.fields + 2 }, () => "x") },
    "more fields than a number of two bytes counts": { fields: Array.from({ length: 140_000 }, () => "") },
    "large fields": { fields: ["x", "v".repeat(70_000)] },
  };
  test.each(Object.entries(cases))("%s", async (_what, more) => {
    const { port, peers } = await scripted(answering);
    const { lane: general, taken } = notingLane();
    const lane = open(port, { general });
    expect([await textOf(make(lane)), await textOf(make(lane, more))]).toEqual(["here", "general"]);
    expect([taken.length, await textOf(make(lane)), peers.length]).toEqual([1, "here", 1]);
  });

  test("and all that it takes, a real server takes too", async () => {
    const rpc = await openRpc();
    toClose.push(() => rpc[Symbol.asyncDispose]());
    const lane = open(rpc.port);
    const message = toBinary(
      NoteSchema,
      create(NoteSchema, { data: new Uint8Array(wireLimits.requestBytes - 8) }),
    );
    const value = "é".repeat(1000);
    const most = {
      message,
      authorization: "a".repeat(wireLimits.wordBytes),
      statement: "€".repeat(wireLimits.wordBytes),
      requestId: "r".repeat(500),
      correlationId: "c".repeat(255),
      traceparent: "t".repeat(300),
      fields: Array.from({ length: 10 }, (_, i) => [`x-${i}`, value]).flat(),
    };
    expect(await textOf(make(lane, most))).toBe("");
    expect(await textOf(make(lane))).toBe("hi");
  });
});

describe("a server that leaves", () => {
  test("finishes what it has while further calls go over a new connection, then the old one is closed", async () => {
    const { port, peers } = await scripted((frame, peer) => {
      if (peers.length > 1) answering(frame, peer);
    });
    const lane = open(port);
    const old = make(lane);
    await until(() => peers[0]?.frames.some(isCall) === true);
    peers[0]!.send(away());
    await sleep(20);
    expect(await textOf(make(lane))).toBe("here");
    expect(peers).toHaveLength(2);
    const ended = new Promise((resolve) => peers[0]!.socket.once("end", resolve));
    peers[0]!.send(answer(idOf(peers[0]!.frames.find(isCall)!), note("old")));
    expect(await textOf(old)).toBe("old");
    await ended;
  });

  test("may refuse a call that crossed the news, which was not begun then", async () => {
    const { port } = await scripted((frame, peer) => {
      if (isCall(frame)) peer.send(away(), failure(idOf(frame), Code.Unavailable, false, "stopping"));
    });
    expect(await failed(make(open(port)))).toMatchObject({ processed: false });
  });

  test("as soon as it has greeted is asked again, not lost", async () => {
    const { port, peers } = await scripted(answering, ({ socket }) => {
      socket.write(peers.length === 1 ? Buffer.concat([preface, away()]) : preface);
    });
    expect(await textOf(make(open(port)))).toBe("here");
    expect(peers).toHaveLength(2);
  });

  test("as ours does while calls come all the time loses none", async () => {
    const servers = await Promise.all([openRpc(), openRpc()]);
    for (const rpc of servers) toClose.push(() => rpc[Symbol.asyncDispose]());
    const lanes = servers.map((rpc) => open(rpc.port));
    const outcomes: string[] = [];
    let at = 0;
    let running = true;
    const caller = async () => {
      while (running) {
        for (let tries = 0; ; tries++) {
          const it = await make(lanes[at]!).ended;
          if (!("error" in it)) outcomes.push("ok");
          // Elsewhere, as the client does.
          else if (!it.processed && tries < 2) {
            at = 1;
            continue;
          } else outcomes.push(reasonOf(it.error));
          break;
        }
      }
    };
    const callers = Array.from({ length: 16 }, caller);
    await sleep(50);
    await servers[0]!.drain(10_000);
    await sleep(20);
    running = false;
    await Promise.all(callers);
    expect(new Set(outcomes)).toEqual(new Set(["ok"]));
    expect(at).toBe(1);
  });
});

describe("a server that breaks the rules", () => {
  const garbage: Record<string, (id: number) => Uint8Array> = {
    "a frame of nothing": () => u32(0),
    "a frame of four gigabytes": () => u32(2 ** 32 - 1),
    "an answer without its end": (id) => frameOf(kinds.answer, u32(id), u16(3)),
    "an answer without id": () => frameOf(kinds.answer, u8(1)),
    "a failure without its end": (id) => frameOf(kinds.failure, u32(id), u8(5)),
    "an answer with too many fields": (id) =>
      frameOf(kinds.answer, u32(id), u16(65_535), Buffer.alloc(300_000)),
    noise: () => Buffer.alloc(10_000, 0x7f),
  };
  test.each(Object.entries(garbage))(
    "by %s costs the calls of its connection, no more",
    async (_what, bytes) => {
      const { port, peers } = await scripted((frame, peer) => {
        if (peers.length > 1) answering(frame, peer);
        else if (isCall(frame)) peer.send(bytes(idOf(frame)));
      });
      const lane = open(port);
      const made = make(lane);
      expect(await failed(made)).toMatchObject({ reason: "connection_lost", processed: true });
      expect(await textOf(make(lane))).toBe("here");
      expect(made.ends()).toBe(1);
    },
  );

  test("by answers that nobody asked for, twice, or to calls that were given up, changes nothing", async () => {
    const { port } = await scripted((frame, peer) => {
      if (!isCall(frame)) return;
      const id = idOf(frame);
      peer.send(
        answer(id + 1000, note("x")),
        failure(4_000_000_000, 5, true, "x"),
        frameOf(77, Buffer.alloc(10)),
        frameOf(kinds.call, Buffer.alloc(30)),
        answer(id, note("here")),
        answer(id, note("again")),
        failure(id, 5, true, "again"),
      );
    });
    const lane = open(port);
    const made = make(lane);
    expect(await textOf(made)).toBe("here");
    expect(await textOf(make(lane))).toBe("here");
    expect(made.ends()).toBe(1);
  });

  test("by metadata that HTTP could not carry is no more trouble than that metadata missing", async () => {
    const bad = fields(["a b", "1"], ["x-ok", "1"], ["x-bad", "a\r\nb"], ["", ""], ["x-euro", "€"]);
    const { port } = await scripted((frame, peer) => {
      if (!isCall(frame)) return;
      const id = idOf(frame);
      if (id % 2 === 1) peer.send(frameOf(kinds.answer, u32(id), bad, bad, note("here")));
      else peer.send(frameOf(kinds.failure, u32(id), u8(10), u8(1), u16(0), u16(0), bad));
    });
    const lane = open(port);
    const it = (await make(lane).ended) as LaneAnswer;
    const { header, trailer } = responseOf(ProbeService.method.echo as never, it, "r");
    expect([[...header], [...trailer]]).toEqual([
      [
        ["x-ok", "1"],
        ["x-request-id", "r"],
      ],
      [["x-ok", "1"]],
    ]);
    expect([...(await failed(make(lane))).error.metadata]).toEqual([["x-ok", "1"]]);
  });

  test("by an answer that is not one of its type is told so", async () => {
    const { port } = await scripted((frame, peer) => {
      if (isCall(frame)) peer.send(answer(idOf(frame), Buffer.from([0x0a, 0xff])));
    });
    const it = (await make(open(port)).ended) as LaneAnswer;
    expect(() => responseOf(ProbeService.method.echo as never, it, "")).toThrow(/is not one of its type/);
  });
});

describe("a server that falls silent", () => {
  const fake = () => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  const settle = () => sleep(30);

  test("is asked whether it lives, and declared dead when it does not answer", async () => {
    fake();
    const { port, peers } = await scripted();
    const made = make(open(port));
    await until(() => peers[0]?.frames.some(isCall) === true);
    const pings = () => peers[0]!.frames.filter(({ kind }) => kind === kinds.ping).length;
    vi.advanceTimersByTime(2000);
    await settle();
    expect(pings()).toBe(0);
    vi.advanceTimersByTime(1000);
    await settle();
    expect(pings()).toBe(1);
    vi.advanceTimersByTime(2000);
    await settle();
    expect([pings(), made.ends()]).toEqual([1, 0]);
    vi.advanceTimersByTime(1000);
    const { error, processed } = await failed(made);
    expect(processed).toBe(true);
    expect(error.rawMessage).toMatch(/silent for 5\.5 s$/);
  });

  test("but answers pings is waited for", async () => {
    fake();
    const { port, peers } = await scripted(({ kind }, peer) => {
      if (kind === kinds.ping) peer.send(frameOf(kinds.pong));
    });
    const made = make(open(port));
    await until(() => peers[0]?.frames.some(isCall) === true);
    for (let s = 0; s < 20; s++) {
      vi.advanceTimersByTime(1000);
      await settle();
    }
    expect(made.ends()).toBe(0);
    const [peer] = peers;
    peer!.send(answer(idOf(peer!.frames.find(isCall)!), note("here")));
    expect(await textOf(made)).toBe("here");
  });

  test("only while we were busy ourselves is not dead", async () => {
    fake();
    const { port, peers } = await scripted();
    const made = make(open(port));
    await until(() => peers[0]?.frames.some(isCall) === true);
    // Timers come before what the network brought when the event loop was held up.
    vi.setSystemTime(Date.now() + 60_000);
    vi.advanceTimersByTime(500);
    expect(made.ends()).toBe(0);
    const [peer] = peers;
    peer!.send(answer(idOf(peer!.frames.find(isCall)!), note("here")));
    expect(await textOf(made)).toBe("here");
  });

  test("while nothing is asked of it is left alone", async () => {
    fake();
    const { port, peers } = await scripted(answering);
    const lane = open(port);
    await textOf(make(lane));
    vi.advanceTimersByTime(60_000);
    await settle();
    expect(await textOf(make(lane))).toBe("here");
    expect(peers).toHaveLength(1);
    expect(peers[0]!.frames.some(({ kind }) => kind === kinds.ping)).toBe(false);
  });
});

describe("a lane that is closed", () => {
  test("lets what runs finish and then leaves", async () => {
    const { port, peers } = await scripted();
    const lane = open(port);
    const made = make(lane);
    await until(() => peers[0]?.frames.some(isCall) === true);
    lane.close();
    const [peer] = peers;
    const ended = new Promise((resolve) => peer!.socket.once("end", resolve));
    peer!.send(answer(idOf(peer!.frames.find(isCall)!), note("here")));
    expect(await textOf(made)).toBe("here");
    await ended;
    const nobody = { answered: () => {}, failed: () => {} };
    expect(() => lane.start(requestOf(), nobody)).toThrow("the lane is closed");
  });

  test("before it was greeted ends its calls as not begun, and makes no connection any more", async () => {
    const { port, peers } = await scripted(undefined, () => {});
    const lane = open(port);
    const made = make(lane);
    await until(() => peers.length === 1);
    const closed = new Promise((resolve) => peers[0]!.socket.once("close", resolve));
    lane.close();
    expect(await failed(made)).toMatchObject({ processed: false, reason: "unreachable" });
    await closed;
    await sleep(20);
    expect(peers).toHaveLength(1);
  });
});
