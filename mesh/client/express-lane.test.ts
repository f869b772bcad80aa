import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2 } from "node:http2";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import { reasonOf } from "../errors.ts";
import { kinds, preface, wireLimits } from "../express/frame.ts";
import { answer, away, failure, frameOf } from "../testing/express.ts";
import { NoteSchema } from "../testing/probe.ts";
import { openRpc } from "../testing/rpc.ts";
import {
  answering,
  closeAll,
  failed,
  idOf,
  isCall,
  listen,
  make,
  note,
  notingLane,
  open,
  requestOf,
  scripted,
  textOf,
  toClose,
  until,
} from "../testing/scripted-server.ts";
import { createExpressLane } from "./express-lane.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createGeneralUnary } from "./general-unary.ts";
import type { LaneRequest } from "./lane.ts";
import { isUnprocessed } from "./unprocessed.ts";

afterEach(async () => {
  vi.useRealTimers();
  await closeAll();
});

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
    const lane = open(port, { general: createGeneralUnary(lanes.transport) });
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
