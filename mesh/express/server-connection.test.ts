import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import type { Call } from "../call/call.ts";
import { fail } from "../errors.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import { nobody } from "../rpc/authenticate.ts";
import type { CallParts, RawExpress } from "../testing/express.ts";
import {
  call,
  cancel,
  fields,
  frameOf,
  openExpress,
  ping,
  text,
  u16,
  u32,
  word,
} from "../testing/express.ts";
import type { ProbeHandlers } from "../testing/probe.ts";
import { NoteSchema } from "../testing/probe.ts";
import type { Rpc, RpcLimits } from "../testing/rpc.ts";
import { openRpc } from "../testing/rpc.ts";
import { kinds, preface, wireLimits } from "./frame.ts";

const opened: Disposable[] = [];
const served: Rpc[] = [];
afterEach(async () => {
  for (const raw of opened.splice(0)) raw[Symbol.dispose]();
  for (const rpc of served.splice(0)) await rpc[Symbol.asyncDispose]();
});

/** Methods by the slot that each test says them in. */
const methods = ["Echo", "Look", "Refuse", "Break", "Hang", "Wait", "Mine", "Internal", "Count", "Nothing"];
const slot = (method: string) => methods.indexOf(method) + 1;
const sayMethods = Buffer.concat(methods.map((it) => word(slot(it), `/probe.v1.ProbeService/${it}`)));

async function open(
  own: Partial<ProbeHandlers> = {},
  options: RpcLimits & { authenticate?: Authenticator } = {},
): Promise<{ rpc: Rpc; raw: RawExpress; connect: (reads?: boolean) => Promise<RawExpress> }> {
  const rpc = await openRpc(own, options.authenticate, options);
  served.push(rpc);
  const connect = async (reads = true) => {
    const raw = await openExpress(rpc.port, { first: sayMethods, reads });
    opened.push(raw);
    return raw;
  };
  return { rpc, raw: await connect(), connect };
}

const note = (text: string, data?: Uint8Array) =>
  toBinary(NoteSchema, create(NoteSchema, data ? { text, data } : { text }));
const callTo = (method: string, id: number, more: Partial<CallParts> = {}) =>
  call({ id, method: slot(method), message: note("hi"), ...more });
const ask = (raw: RawExpress, method: string, id: number, more: Partial<CallParts> = {}) => {
  void raw.send(callTo(method, id, more));
  return raw.end(id);
};
const messageOf = (body: Buffer) => fromBinary(NoteSchema, body.subarray(8));

/** Handlers that work until their call ends, and what became of them. */
function working() {
  const ends: unknown[] = [];
  const state = { began: 0, ends };
  const wait: ProbeHandlers["wait"] = (_note, { signal }) => {
    state.began++;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        ends.push(signal.reason);
        reject(signal.reason);
      });
    });
  };
  return { state, wait };
}
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

describe("a call", () => {
  test("is answered, and so are many at once in the order in which they are done", async () => {
    const { raw } = await open({
      echo: async (it) => {
        await sleep(Number(it.text) * 5);
        return it;
      },
    });
    const order: number[] = [];
    await Promise.all(
      [8, 4, 0].map((n) => ask(raw, "Echo", n, { message: note(`${n}`) }).then(() => order.push(n))),
    );
    expect(order).toEqual([0, 4, 8]);
    expect(messageOf(raw.ended.get(8)!.body).text).toBe("8");
  });

  test("has its metadata both ways", async () => {
    const { raw } = await open({
      echo: (it, { requestHeader, responseHeader, responseTrailer }) => {
        responseHeader.set("x-saw", `${requestHeader.get("x-mine")} ${requestHeader.get("x-request-id")}`);
        responseTrailer.set("x-after", "ü");
        return it;
      },
    });
    const { kind, body } = await ask(raw, "Echo", 1, {
      requestId: "r-1",
      fields: fields(["x-mine", "größer"], ["bad name", "\r\n"]),
    });
    expect(kind).toBe(kinds.answer);
    const expected = Buffer.concat([
      u32(1),
      fields(["x-saw", "größer r-1"]),
      fields(["x-after", "ü"]),
      note("hi"),
    ]);
    expect(body).toEqual(expected);
  });

  const ends: [method: string, code: Code, processed: boolean, message: RegExp, more?: Partial<CallParts>][] =
    [
      ["Refuse", Code.NotFound, true, /^no note has this text$/],
      ["Break", Code.Internal, true, /^internal error; /],
      ["Hang", Code.DeadlineExceeded, true, /^probe.v1.ProbeService\/Hang did not end within its deadline$/],
      ["Wait", Code.DeadlineExceeded, true, /did not end within its deadline$/, { timeoutMs: 20 }],
      ["Mine", Code.Unauthenticated, false, /./],
      ["Internal", Code.Unauthenticated, false, /./],
      ["Nothing", Code.Unimplemented, false, /^nothing is served at \/probe.v1.ProbeService\/Nothing$/],
      ["Count", Code.Unimplemented, false, /^nothing is served at \/probe.v1.ProbeService\/Count$/],
      [
        "Echo",
        Code.InvalidArgument,
        false,
        /^text: must be at most 100 characters/,
        { message: note("x".repeat(101)) },
      ],
      [
        "Echo",
        Code.InvalidArgument,
        false,
        /^the message is not one of its type$/,
        { message: Buffer.from([0x0a, 0xff]) },
      ],
      ["Echo", Code.Unimplemented, false, /^nothing is served at $/, { method: 0 }],
      ["Echo", Code.Unimplemented, false, /^nothing is served at $/, { method: 500 }],
      ["Echo", Code.Unimplemented, false, /^nothing is served at $/, { method: 65_535 }],
    ];
  test.each(ends)(
    "of %s that cannot be answered ends with code %i",
    async (method, code, processed, message, more) => {
      const { raw } = await open();
      const ended = await ask(raw, method, 1, more);
      expect(ended).toMatchObject({ kind: kinds.failure, code, processed });
      expect(ended.message).toMatch(message);
      expect((await ask(raw, "Look", 2)).kind, "and the connection goes on").toBe(kinds.answer);
    },
  );

  test("that failed brings what its handler set as metadata, and each call only its own", async () => {
    const error = fail.aborted("busy", "not now");
    const { raw } = await open({
      echo: (it, { responseHeader }) => {
        responseHeader.set(`x-${it.text}`, "1");
        // The same error again and again.
        throw error;
      },
    });
    const first = await ask(raw, "Echo", 1, { message: note("a") });
    const second = await ask(raw, "Echo", 2, { message: note("b") });
    const tail = (body: Buffer, of: string) => body.subarray(-fields([of, "1"]).length);
    expect(tail(first.body, "x-a")).toEqual(fields(["x-a", "1"]));
    expect(tail(second.body, "x-b")).toEqual(fields(["x-b", "1"]));
  });

  test("whose handler sets more metadata than an answer may have fails, and is not made again elsewhere", async () => {
    const { raw } = await open({
      echo: (it, { responseHeader }) => {
        responseHeader.set("x-large", "v".repeat(30_000));
        return it;
      },
    });
    expect(await ask(raw, "Echo", 1)).toMatchObject({ code: Code.Internal, processed: true });
  });

  test("may be as large as is allowed", async () => {
    const { raw } = await open();
    const message = note("hi", Buffer.alloc(wireLimits.requestBytes - 8));
    expect(message.length).toBeLessThanOrEqual(wireLimits.requestBytes);
    const { body } = await ask(raw, "Echo", 1, {
      message,
      fields: fields(
        ...Array.from({ length: 40 }, (_, i) => [`x-${i}`, "v".repeat(500)] as [string, string]),
      ),
      requestId: "r".repeat(255),
    });
    expect(body.subarray(8)).toEqual(Buffer.from(message));
  });

  test("gets an answer as large as is allowed, and an error instead of a larger one", async () => {
    const { raw } = await open({ echo: ({ text }) => ({ data: new Uint8Array(Number(text)) }) });
    const mb4 = 4 * 1024 * 1024;
    const [most, more] = await Promise.all([
      ask(raw, "Echo", 1, { message: note(`${mb4 - 5}`) }),
      ask(raw, "Echo", 2, { message: note(`${mb4}`) }),
    ]);
    expect([most.kind, messageOf(most.body).data.length]).toEqual([kinds.answer, mb4 - 5]);
    expect(more).toMatchObject({ code: Code.ResourceExhausted, processed: true });
    expect(more.message).toMatch(/^the answer has 4194309 bytes; 4194304 are allowed$/);
  });
});

describe("words", () => {
  test("are understood from their frame on, also said anew", async () => {
    const { raw } = await open({
      echo: (_it, { requestHeader }) => ({ text: requestHeader.get("authorization") ?? "" }),
    });
    const said = (value: string) => word(100, value);
    const one = (id: number) => callTo("Echo", id, { authorization: 100 });
    await raw.send(said("first"), one(1), said("second"), one(2), said(""), one(3));
    const texts = await Promise.all([1, 2, 3].map(async (id) => messageOf((await raw.end(id)).body).text));
    expect(texts).toEqual(["first", "second", ""]);
  });

  test.each([
    ["slot 0", word(0, "x")],
    ["a slot beyond the last", word(wireLimits.words + 1, "x")],
    ["a text that is too long", word(1, "x".repeat(wireLimits.wordBytes + 1))],
    ["less than it says", frameOf(kinds.word, u16(1), u16(10), Buffer.from("x"))],
  ])("with %s end the connection", async (_what, frame) => {
    const { raw } = await open();
    await raw.send(frame);
    await raw.closed();
  });
});

describe("a caller that loses interest", () => {
  test("stops the handler, and learns nothing but that", async () => {
    const { state, wait } = working();
    const { raw } = await open({ wait });
    const ended = ask(raw, "Wait", 1);
    await until(() => state.began === 1);
    await raw.send(cancel(1));
    expect(await ended).toMatchObject({ code: Code.Canceled, message: "the caller hung up" });
    expect(state.ends).toHaveLength(1);
  });

  test("before the handler began prevents that", async () => {
    const { state, wait } = working();
    const { raw } = await open({ wait });
    await raw.send(callTo("Wait", 1), cancel(1));
    expect(await raw.end(1)).toMatchObject({ code: Code.Canceled });
    expect(state.began).toBe(0);
  });

  test("while it is found out who calls prevents it too", async () => {
    const { state, wait } = working();
    const known = Promise.withResolvers<void>();
    const { raw } = await open({ wait }, { authenticate: () => known.promise.then(() => nobody) });
    await raw.send(callTo("Wait", 1), cancel(1), ping());
    await until(() => raw.count(kinds.pong) === 1);
    known.resolve();
    expect(await raw.end(1)).toMatchObject({ code: Code.Canceled });
    expect(state.began).toBe(0);
  });

  test("in a call that is over, or never was, changes nothing", async () => {
    const { raw } = await open();
    await ask(raw, "Echo", 1);
    await raw.send(cancel(1), cancel(99));
    expect((await ask(raw, "Echo", 1)).kind).toBe(kinds.answer);
  });

  test.each(["destroy", "end"] as const)("and the connection (%s) stops all handlers", async (how) => {
    const { state, wait } = working();
    const { raw, rpc } = await open({ wait });
    await raw.send(...[1, 2, 3].map((id) => callTo("Wait", id)));
    await until(() => state.began === 3);
    raw.socket[how]();
    await until(() => state.ends.length === 3);
    expect((await rpc.calls(3)).map(({ code }) => code)).toEqual(["canceled", "canceled", "canceled"]);
  });

  test("while it is found out who calls starts no handler", async () => {
    const { state, wait } = working();
    const known = Promise.withResolvers<void>();
    const { raw, rpc } = await open({ wait }, { authenticate: () => known.promise.then(() => nobody) });
    await raw.send(callTo("Wait", 1), ping());
    await until(() => raw.count(kinds.pong) === 1);
    raw.socket.destroy();
    await sleep(20);
    known.resolve();
    expect(await rpc.calls(1)).toMatchObject([{ code: "canceled" }]);
    expect(state.began).toBe(0);
  });
});

describe("places for calls at once", () => {
  const limits = { calls: 3, callsPerAddress: 3 };

  test("are refused beyond the limit as not begun, with few log lines, and come free", async () => {
    const { state, wait } = working();
    const { raw, rpc } = await open({ wait }, { limits });
    await raw.send(...Array.from({ length: 103 }, (_, i) => callTo("Wait", i)));
    for (let id = 3; id < 103; id++)
      expect(await raw.end(id)).toMatchObject({ code: Code.ResourceExhausted, processed: false });
    await until(() => state.began === 3);
    const lines = rpc.logs.lines.filter(({ message }) => message === "call refused: too many at once");
    expect(lines).toHaveLength(10);
    // A place of an ended call is kept a while, since its handler may still be at work.
    await raw.send(cancel(0));
    await raw.end(0);
    expect((await ask(raw, "Echo", 200)).code).toBe(Code.ResourceExhausted);
    let id = 300;
    while ((await ask(raw, "Echo", id++)).kind !== kinds.answer) await sleep(50);
  });

  test("are not taken up by calls that were cancelled before they began", async () => {
    const { state, wait } = working();
    const { raw } = await open({ wait }, { limits });
    for (let id = 0; id < 20; id++) {
      await raw.send(callTo("Wait", id), cancel(id));
      expect(await raw.end(id)).toMatchObject({ code: Code.Canceled });
    }
    expect(state.began).toBe(0);
  });
});

describe("a server that leaves", () => {
  test("finishes what runs and refuses what comes, as not begun, until the client has left", async () => {
    const release = Promise.withResolvers<void>();
    const { raw, rpc } = await open({ wait: () => release.promise.then(() => ({ text: "done" })) });
    await raw.send(callTo("Wait", 1));
    await sleep(20);
    const drained = rpc.drain(10_000);
    await until(() => raw.count(kinds.away) === 1);
    expect(await ask(raw, "Echo", 2)).toMatchObject({ code: Code.Unavailable, processed: false });
    release.resolve();
    expect(messageOf((await raw.end(1)).body).text).toBe("done");
    expect(await ask(raw, "Echo", 3), "one that crossed the news").toMatchObject({ processed: false });
    expect(raw.isClosed()).toBe(false);
    raw.socket.end();
    await drained;
  });

  test("does not wait for a client that stays", async () => {
    const { raw, rpc } = await open({}, { limits: { lingerMs: 100, headersMs: 400 } });
    await ask(raw, "Echo", 1);
    await rpc.drain(60_000);
    await raw.closed();
    expect(raw.count(kinds.away)).toBe(1);
  });

  test("leaves an idle connection, though it is pinged, and cuts it when it is not closed", async () => {
    const { raw } = await open({}, { limits: { idleMs: 100, lingerMs: 100, headersMs: 200 } });
    const pings = setInterval(() => void raw.send(ping()), 20);
    await until(() => raw.count(kinds.away) === 1);
    await raw.closed();
    clearInterval(pings);
  });

  test("does not leave one over which calls come", async () => {
    const { raw } = await open({}, { limits: { idleMs: 150, lingerMs: 100, headersMs: 200 } });
    for (let id = 0; id < 20; id++) {
      expect((await ask(raw, "Echo", id)).kind).toBe(kinds.answer);
      await sleep(20);
    }
    expect(raw.count(kinds.away)).toBe(0);
  });
});

describe("a connection", () => {
  test("answers pings, up to so many", async () => {
    const { raw } = await open({}, { limits: { controlFramesPerTenSeconds: 50 } });
    await raw.send(...Array.from({ length: 50 }, ping));
    await until(() => raw.count(kinds.pong) === 50);
    await raw.send(ping());
    await raw.closed();
  });

  test("passes over kinds of later versions", async () => {
    const { raw } = await open();
    await raw.send(frameOf(99, Buffer.alloc(1000)), frameOf(kinds.answer), frameOf(kinds.away));
    expect((await ask(raw, "Echo", 1)).kind).toBe(kinds.answer);
  });

  test.each([
    ["a frame of nothing", u32(0)],
    ["a frame that is too long", u32(wireLimits.requestBytes + wireLimits.metadataBytes + 1)],
    ["a call that ends in the middle", frameOf(kinds.call, u32(1), u16(1))],
    ["a cancel of nothing", frameOf(kinds.cancel)],
    [
      "more fields than there may be",
      callTo("Echo", 1, { fields: Buffer.concat([u16(65_535), Buffer.alloc(200_000)]) }),
    ],
    [
      "fields that are cut off",
      callTo("Echo", 1, { fields: Buffer.concat([u16(2), text("a"), text("b")]), message: Buffer.alloc(0) }),
    ],
  ])("is cut for %s", async (_what, bytes) => {
    const { raw, rpc } = await open();
    await raw.send(bytes);
    await raw.closed();
    expect(rpc.logs.lines.filter(({ message }) => message === "express connection cut")).toHaveLength(1);
  });

  test("is cut for an id that is in use, and its handlers stop", async () => {
    const { state, wait } = working();
    const { raw } = await open({ wait });
    await raw.send(callTo("Wait", 7));
    await until(() => state.began === 1);
    await raw.send(callTo("Wait", 7));
    await raw.closed();
    await until(() => state.ends.length === 1);
  });

  test("is cut when a frame does not end in time, however steadily it drips", async () => {
    const { raw } = await open({}, { limits: { bodyMs: 150, headersMs: 200 } });
    const frame = callTo("Echo", 1, { message: note("hi", Buffer.alloc(5000)) });
    let at = 0;
    const drip = setInterval(() => void raw.send(frame.subarray(at, ++at)), 5);
    await raw.closed();
    clearInterval(drip);
    expect(at).toBeLessThan(frame.length);
  });

  test("takes calls in any pieces", async () => {
    const { raw } = await open();
    const bytes = Buffer.concat([word(50, "x"), callTo("Echo", 1), ping(), callTo("Echo", 2)]);
    for (const byte of bytes) {
      await raw.send(Buffer.from([byte]));
      if (byte % 8 === 0) await sleep(1);
    }
    await Promise.all([raw.end(1), raw.end(2)]);
  });

  test("is greeted byte by byte too", async () => {
    const { rpc } = await open();
    const raw = await openExpress(rpc.port);
    raw[Symbol.dispose]();
    const { connect } = await import("node:net");
    const socket = connect({ host: "127.0.0.1", port: rpc.port, noDelay: true });
    for (const byte of preface) {
      socket.write(Buffer.from([byte]));
      await sleep(2);
    }
    const [greeting] = (await once(socket, "data")) as [Buffer];
    expect(greeting).toEqual(preface);
    socket.destroy();
  });
});

test("a peer that takes no answers gets no more calls taken, and all once it reads", async () => {
  let began = 0;
  const { connect } = await open({
    look: () => {
      began++;
      return { data: new Uint8Array(512 * 1024) };
    },
  });
  const raw = await connect(false);
  const calls = 60;
  // In turn, so that the server can see that nobody reads.
  for (let id = 0; id < calls; id++) {
    void raw.send(callTo("Look", id));
    await sleep(5);
  }
  await sleep(100);
  expect(began).toBeLessThan(calls);
  let received = 0;
  raw.socket.on("data", (chunk) => {
    received += chunk.length;
  });
  await until(() => began === calls && received > calls * 512 * 1024);
});

test("messages that are held in too great a number end the greediest call, and its place comes free", async () => {
  const calls: Call[] = [];
  const { raw } = await open(
    {
      wait: (_note, call) => {
        calls.push(call);
        return new Promise(() => {});
      },
    },
    { limits: { heldBytes: 800_000 } },
  );
  const send = (id: number, bytes: number) =>
    raw.send(callTo("Wait", id, { message: note("x", Buffer.alloc(bytes)) }));
  for (const [id, bytes] of [150_000, 250_000, 150_000, 150_000].entries()) {
    await send(id, bytes);
    await until(() => calls.length === id + 1);
  }
  await send(4, 150_000);
  const ended = await raw.end(1);
  expect(ended).toMatchObject({ code: Code.ResourceExhausted });
  expect(ended.message).toMatch(/^this process holds too many messages now/);
  await until(() => calls.length === 5);
  expect(calls.map((it) => it.ended !== undefined)).toEqual([false, true, false, false, false]);
});
