import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kinds, preface, wireLimits } from "#mesh/express/frame.ts";
import type { RawExpress, RawExpressOptions } from "#mesh/testing/express.ts";
import { away, cancel, frameOf, openExpress, ping, u16, u32, word } from "#mesh/testing/express.ts";
import { callTo, many, sayWords, slots } from "./kit/express.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";

const limits = {
  headersMs: 2500,
  bodyMs: 1500,
  lingerMs: 500,
  idleMs: 1500,
  stalledReadMs: 500,
  calls: 300,
  callsPerAddress: 200,
  heldBytes: 32 * 1024 * 1024,
};
let victim: Victim;
beforeAll(async () => {
  victim = await openVictim(limits);
});
afterAll(() => victim[Symbol.asyncDispose]());

/** The places of an address are its own: where a machine has several, the attacker comes from another. */
const canMove = process.platform === "linux";
const open = (options: RawExpressOptions = {}) =>
  openExpress(victim.port, { first: sayWords, ...(canMove && { from: "127.0.0.2" }), ...options });

/** Sends the same again and again: so many bytes, or fewer when the connection ends. */
async function flood(raw: RawExpress, batch: () => Buffer, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; ) {
    const next = batch();
    if (!(await raw.send(next))) return;
    sent += next.length;
  }
}

async function isForgotten(connections: number): Promise<void> {
  // Those of an honest client come and go meanwhile.
  await sleep(300);
  await until(async () => (await victim.ask("status")).connections <= connections);
}

describe("a connection that never comes to the point ends in time", () => {
  const ways: Record<string, (raw: RawExpress) => Promise<void>> = {
    "a frame that drips": async (raw) => {
      const frame = callTo("createTeam", 1, { message: Buffer.alloc(200_000) });
      for (let at = 0; !raw.isClosed(); at++) {
        await raw.send(frame.subarray(at, at + 1));
        await sleep(5);
      }
    },
    "a frame that drips behind calls that are answered": async (raw) => {
      for (let id = 1; id < 50; id++) await raw.send(callTo("createTeam", id));
      await raw.send(u32(1000));
      while (!raw.isClosed()) {
        await raw.send(Buffer.from([kinds.ping]));
        await sleep(20);
      }
    },
    "a length alone": async (raw) => void (await raw.send(u32(wireLimits.requestBytes))),
    "half a length": async (raw) => void (await raw.send(Buffer.alloc(2))),
    silence: async () => {},
    "pings alone": async (raw) => {
      while (await raw.send(ping())) await sleep(50);
    },
    "words alone": async (raw) => {
      for (let i = 0; await raw.send(word(1 + (i % 512), `word ${i}`)); i++) await sleep(20);
    },
    "frames of a kind that nobody knows": async (raw) => {
      while (await raw.send(frameOf(200, Buffer.alloc(100)))) await sleep(20);
    },
    "calls to nothing behind the news that the server leaves": async (raw) => {
      await until(() => raw.count(kinds.away) === 1);
      for (let id = 1; await raw.send(callTo("createTeam", id)); id++) await sleep(20);
    },
  };
  test("whatever it does instead", async () => {
    await victim.under(async () => {
      const endless: string[] = [];
      const attacks = Object.entries(ways).map(async ([what, attack]) => {
        using raw = await open();
        await attack(raw);
        await until(() => raw.isClosed()).catch(() => endless.push(what));
      });
      for (const cut of [1, 5, preface.length - 1]) {
        attacks.push(
          (async () => {
            using raw = await openRaw(victim.port);
            await raw.send(preface.subarray(0, cut));
            await raw.closed().catch(() => endless.push(`a preface that stops after ${cut}`));
          })(),
        );
      }
      await Promise.all(attacks);
      expect(endless).toEqual([]);
    });
  });
});

describe("a length that is none ends the connection at once", () => {
  for (const length of [0, wireLimits.requestBytes + wireLimits.metadataBytes + 1, 2 ** 31, 2 ** 32 - 1]) {
    test(`${length}`, async () => {
      await victim.under(async () => {
        using raw = await open();
        await raw.send(Buffer.concat([u32(length), Buffer.alloc(100_000)]));
        await until(() => raw.isClosed());
      });
    });
  }
});

describe("a flood that asks for nothing", () => {
  const mb = 1024 * 1024;
  test("of pings ends its connection", async () => {
    await victim.under(async () => {
      using raw = await open();
      const batch = many(2000, ping);
      await flood(raw, () => batch, 40 * mb);
      await until(() => raw.isClosed());
    });
  });

  let lastId = 0;
  const borne: Record<string, () => Buffer> = {
    "of words": () => many(500, (i) => word(1 + i, `word ${Math.random()}`)),
    "of the longest words": () => many(20, (i) => word(20 + i, "x".repeat(wireLimits.wordBytes))),
    "of cancels of calls that there are not": () => many(2000, cancel),
    "of frames that nobody knows": () => many(2000, () => frameOf(99)),
    "of calls to nothing": () => many(200, () => callTo("nothing", ++lastId)),
    "of calls with bad tokens": () =>
      many(100, () => callTo("createTeam", ++lastId, { authorization: slots.nothing })),
    "of calls that cannot be read": () =>
      many(100, () => callTo("createTeam", ++lastId, { message: Buffer.from([10, 255]) })),
  };
  for (const [what, batch] of Object.entries(borne)) {
    test(`${what} is borne`, async () => {
      await victim.under(async () => {
        using raw = await open();
        await flood(raw, batch, 3 * mb);
        expect(raw.isClosed()).toBe(false);
      });
    });
  }

  test("of words on many connections is bounded in memory", async () => {
    await victim.under(async () => {
      const longest = many(wireLimits.words, (i) => word(1 + i, "\u20ac".repeat(wireLimits.wordBytes)));
      const attackers = await Promise.all(Array.from({ length: 8 }, () => open()));
      // Together 100 MB on the wire; 32 MB may be held.
      await Promise.all(attackers.map((raw) => raw.send(longest)));
      await until(() => attackers.some((raw) => raw.isClosed()));
      for (const raw of attackers) raw[Symbol.dispose]();
    });
  });
});

describe.runIf(canMove)("calls that are made and given up at once (CVE-2023-44487 and kin)", () => {
  test("start no handlers, and the others are answered", async () => {
    const { started } = await victim.under(async () => {
      using raw = await open();
      for (let round = 0; round < 100; round++) {
        await raw.send(
          many(200, (i) => Buffer.concat([callTo("deleteTeam", round * 200 + i), cancel(round * 200 + i)])),
        );
      }
      await raw.send(ping());
      await until(() => raw.count(kinds.pong) === 1);
    });
    // Where a read ends between a call and its cancel, it may have begun.
    expect(started).toBeLessThan(1000);
  });

  test("once they began keep their places, so that no more of them are at work than may be", async () => {
    let most = 0;
    await victim.under(async ({ running }) => {
      using raw = await open();
      let id = 0;
      const until = performance.now() + 2500;
      while (performance.now() < until) {
        const from = id;
        await raw.send(many(200, () => callTo("deleteTeam", ++id)));
        await sleep(20);
        await raw.send(many(200, (i) => cancel(from + 1 + i)));
        most = Math.max(most, (await victim.ask("status")).running - running);
      }
    });
    expect(most).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(limits.callsPerAddress);
  });

  test("by hanging up, too", async () => {
    let most = 0;
    await victim.under(async ({ running }) => {
      const until = performance.now() + 2500;
      while (performance.now() < until) {
        using raw = await open();
        await raw.send(many(200, (i) => callTo("deleteTeam", i)));
        await sleep(20);
        most = Math.max(most, (await victim.ask("status")).running - running);
      }
    });
    expect(most).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(limits.callsPerAddress);
  });

  test("by deadlines of a millisecond, too", async () => {
    let most = 0;
    await victim.under(async ({ running }) => {
      using raw = await open();
      let id = 0;
      const until = performance.now() + 2500;
      while (performance.now() < until) {
        await raw.send(many(200, () => callTo("deleteTeam", ++id, { timeoutMs: 4 })));
        await sleep(20);
        most = Math.max(most, (await victim.ask("status")).running - running);
      }
    });
    expect(most).toBeLessThanOrEqual(limits.callsPerAddress);
  });
});

describe.runIf(canMove)("calls beyond what one may have in flight", () => {
  test("are refused, with few lines in the log", async () => {
    const before = (await victim.ask("logs")).length;
    await victim.under(async () => {
      using raw = await open();
      await raw.send(many(limits.callsPerAddress, (i) => callTo("getTeam", i)));
      for (let round = 1; round <= 50; round++)
        await raw.send(many(200, (i) => callTo("getTeam", round * 1000 + i)));
      await until(() => raw.count(kinds.failure) >= 10_000);
    });
    const lines = (await victim.ask("logs")).slice(before);
    expect(lines.filter((line) => line.includes("too many at once")).length).toBeLessThan(30);
  });

  test("with fields that fill them are bounded in memory", async () => {
    await victim.under(
      async () => {
        using raw = await open();
        const fields = Buffer.concat([u16(256), Buffer.alloc(256 * 4), Buffer.alloc(0)]);
        const message = Buffer.alloc(200_000);
        for (let id = 0; id < 1000; id++) {
          if (!(await raw.send(callTo("getTeam", id, { fields, message })))) break;
        }
      },
      { growthMb: 200 },
    );
  });

  test("by the fields of one frame are refused with the connection", async () => {
    await victim.under(async () => {
      for (let round = 0; round < 20; round++) {
        using raw = await open();
        await raw.send(
          callTo("getTeam", 1, { fields: Buffer.concat([u16(65_535), Buffer.alloc(65_535 * 4)]) }),
        );
        await until(() => raw.isClosed());
      }
    });
  });
});

describe.runIf(canMove)("a peer that does not read its answers is cut off", () => {
  test("when it asks for much at once", async () => {
    await victim.under(
      async ({ connections }) => {
        // 200 answers of a megabyte, of which 32 MB may lie there.
        using raw = await open({ reads: false });
        await raw.send(many(200, (i) => callTo("listTeams", i)));
        await isForgotten(connections);
      },
      { growthMb: 300 },
    );
  });

  test("when it goes on asking", async () => {
    await victim.under(
      async ({ connections }) => {
        const attackers = await Promise.all(Array.from({ length: 5 }, () => open({ reads: false })));
        let id = 0;
        const asking = attackers.map(async (raw) => {
          while (await raw.send(callTo("listTeams", ++id))) await sleep(5);
        });
        await isForgotten(connections);
        for (const raw of attackers) raw[Symbol.dispose]();
        await Promise.all(asking);
      },
      { growthMb: 300 },
    );
  });

  test("when it only pings", async () => {
    await victim.under(async ({ connections }) => {
      using raw = await open({ reads: false });
      void flood(raw, () => many(500, ping), 50_000_000);
      await isForgotten(connections);
    });
  });
});

describe("a client that breaks the rules costs itself its connection", () => {
  const ways: Record<string, Buffer> = {
    "an id in use": many(2, () => callTo("getTeam", 7)),
    "a word beyond the slots": word(513, "x"),
    "a word that is too long": word(1, "x".repeat(wireLimits.wordBytes + 1)),
    "a call that is cut off": frameOf(kinds.call, u32(1)),
    "a word that says more than it has": frameOf(kinds.word, u16(1), u16(5), Buffer.from("abc")),
    "a cancel of half an id": frameOf(kinds.cancel, u16(1)),
    "frames of the server's, and then one of nothing": Buffer.concat([away(), frameOf(kinds.answer), u32(0)]),
  };
  for (const [what, bytes] of Object.entries(ways)) {
    test(what, async () => {
      await victim.under(async () => {
        using raw = await open();
        await raw.send(bytes);
        await until(() => raw.isClosed());
      });
    });
  }
});

test("a crowd of connections, each with calls that run, leaves nothing behind when it goes", async () => {
  await victim.under(
    async () => {
      const crowd = await Promise.all(Array.from({ length: 900 }, () => open()));
      await Promise.all(crowd.map((raw, i) => raw.send(callTo(i % 5 === 0 ? "getTeam" : "createTeam", 1))));
      await sleep(200);
      for (const raw of crowd) raw[Symbol.dispose]();
    },
    { growthMb: 250 },
  );
});
