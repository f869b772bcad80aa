import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kinds, preface } from "#mesh/express/frame.ts";
import { cancel, createFrameReader, fields, frameOf, ping, u32, word } from "#mesh/testing/express.ts";
import { callTo, sayWords } from "./kit/express.ts";
import type { Random } from "./kit/fuzz.ts";
import { firstSeed, fuzz, noise } from "./kit/fuzz.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { insides, until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim({ headersMs: 2500, bodyMs: 1500, lingerMs: 500, idleMs: 1500 });
});
afterAll(() => victim[Symbol.asyncDispose]());

/** Frames as a client might send them, in any order. */
function frames(random: Random): Buffer[] {
  const one = (): Buffer => {
    const id = random(6);
    const ways = [
      () => callTo("createTeam", id, { timeoutMs: random(500) }),
      () => callTo("listTeams", id, { message: Buffer.from([8, random(100)]) }),
      () => callTo("getTeam", id, { timeoutMs: 1 + random(300) }),
      () =>
        callTo("createTeam", id, { method: random(12), authorization: random(12), statement: random(12) }),
      () =>
        callTo("createTeam", id, {
          fields: fields(["x-a", "1"], ["tracestate", noise(random, 8).toString("latin1")]),
        }),
      () =>
        callTo("createTeam", id, {
          requestId: noise(random, 20).toString("latin1"),
          traceparent: "00-zz-01",
        }),
      () => callTo("createTeam", id, { message: noise(random, random(40)) }),
      () => cancel(id),
      () => ping(),
      () => word(1 + random(12), noise(random, random(60)).toString("latin1")),
      () => frameOf(random(256), noise(random, random(40))),
      () => frameOf(kinds.call, noise(random, 10 + random(60))),
      () => frameOf(kinds.word, noise(random, random(20))),
    ];
    return ways[random(ways.length)]!();
  };
  return Array.from({ length: 1 + random(20) }, one);
}

/** Something wrong with the bytes: changed, lost, doubled, or the end missing. */
function mutated(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let changes = random(4); changes > 0 && result.length > 1; changes--) {
    const at = random(result.length);
    const length = 1 + random(8);
    const [before, piece, after] = [
      result.subarray(0, at),
      result.subarray(at, at + length),
      result.subarray(at + length),
    ];
    const ways = [
      () => [before, noise(random, length), after],
      () => [before, after],
      () => [before, piece, piece, after],
      () => [before, noise(random, length), piece, after],
      () => [before],
      () => [before, u32(random(70_000)), after],
    ];
    result = Buffer.concat(ways[random(ways.length)]!());
  }
  return result;
}

/** What one client did wrong to the server, if it did. */
async function attempt(random: Random): Promise<string | undefined> {
  const bytes = mutated(Buffer.concat([sayWords, ...frames(random)]), random);
  const wrong: string[] = [];
  let skip = preface.length;
  const read = createFrameReader(({ kind }) => {
    if (kind < 1 || kind > 8) wrong.push(`answers with a frame of kind ${kind}`);
  });
  using raw = await openRaw(victim.port, {
    onData: (chunk) => {
      const greeting = Math.min(skip, chunk.length);
      skip -= greeting;
      read(chunk.subarray(greeting));
    },
  });
  const cut = random(3) === 0 ? random(bytes.length + 1) : bytes.length;
  await raw.send(Buffer.concat([preface, bytes.subarray(0, cut)]));
  if (cut < bytes.length) {
    await sleep(random(20));
    await raw.send(bytes.subarray(cut));
  }
  if (random(4) === 0) raw.socket.end();
  // Nobody answers its news that it leaves, so the server must end the connection itself: at once where
  // nothing runs, and after the 30 s of the contract where a mutation gave a call a later deadline.
  await until(() => raw.isClosed(), 45_000).catch(() => wrong.push("hangs"));
  if (insides.test(raw.received())) wrong.push(`tells of the inside: ${raw.received()}`);
  return wrong[0];
}

test(`no mutation of frames crashes, hangs or opens the server (WEFT_FUZZ_SEED=${firstSeed})`, async () => {
  await victim.under(async () => {
    expect(await fuzz({ attempts: 1500, together: 250, attempt })).toEqual([]);
  });
  const logs = await victim.ask("logs");
  // Whatever a client sends is its own mistake, not one of ours.
  expect(logs.filter((line) => /"level":"(error|fatal)"|"code":"internal"/.test(line))).toEqual([]);
});
