import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import { kinds } from "../express/frame.ts";
import { answer, failure, fields, frameOf, u8, u16, u32 } from "../testing/express.ts";
import { ProbeService } from "../testing/probe.ts";
import {
  answering,
  closeAll,
  failed,
  idOf,
  isCall,
  listen,
  make,
  note,
  open,
  scripted,
  textOf,
  toClose,
  until,
} from "../testing/scripted-server.ts";
import { responseOf } from "./answer.ts";
import { openGeneralLane } from "./general-lane.ts";
import { createGeneralUnary } from "./general-unary.ts";
import type { LaneAnswer } from "./lane.ts";

afterEach(async () => {
  vi.useRealTimers();
  await closeAll();
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

describe("a server that breaks HTTP/2 too", () => {
  const bytes = {
    "by speaking HTTP/1.1": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
    "by a frame of the wrong size": Buffer.from([0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    "by noise": Buffer.alloc(1000, 0xfe),
  };
  test.each(Object.entries(bytes))("%s costs its calls and nothing else", async (_what, answered) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answered));
    });
    const general = openGeneralLane({ baseUrl: `http://127.0.0.1:${await listen(server)}` });
    toClose.push(() => general.close());
    const lane = createGeneralUnary(general.transport);
    // An error of the session that nobody hears would end the process, and fail this run.
    for (let round = 0; round < 3; round++) {
      const made = [make(lane), make(lane), make(lane)];
      for (const it of made) expect((await failed(it)).error.code).toBe(Code.Unavailable);
      await sleep(10);
    }
  });
});
