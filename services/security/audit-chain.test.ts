import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Head, PlacedEntry, SealedEntry } from "./audit-chain.ts";
import { canonical, compareHeads, followChain, genesis, sealOf } from "./audit-chain.ts";

const key = new Uint8Array(32).fill(7);
const start = genesis(key, "record");

const entries = fc.record({
  time: fc.date({ noInvalidDate: true }),
  service: fc.string(),
  actor: fc.string(),
  action: fc.string(),
  resource: fc.string(),
  outcome: fc.integer({ min: 1, max: 3 }),
  requestId: fc.string(),
  details: fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 }),
});

function chainOf(contents: readonly Omit<PlacedEntry, "sequence">[]): SealedEntry[] {
  let head: Head = start;
  return contents.map((content) => {
    const entry = { ...content, sequence: head.sequence + 1n };
    const sealed = { ...entry, seal: sealOf(key, head.seal, entry) };
    head = sealed;
    return sealed;
  });
}

function firstBroken(chain: readonly SealedEntry[], from: Head = start) {
  const walk = followChain(key, from);
  for (const entry of chain) {
    const broken = walk.step(entry);
    if (broken) return broken;
  }
  return undefined;
}

describe("a chain of entries", () => {
  test("holds as it was written", () => {
    fc.assert(fc.property(fc.array(entries), (contents) => firstBroken(chainOf(contents)) === undefined));
  });

  test("breaks at the first entry that was changed", () => {
    const change = fc.constantFrom("service", "actor", "action", "resource", "requestId");
    fc.assert(
      fc.property(fc.array(entries, { minLength: 1 }), fc.nat(), change, (contents, at, part) => {
        const chain = chainOf(contents);
        const place = at % chain.length;
        const entry = chain[place];
        if (!entry) return;
        chain[place] = { ...entry, [part]: `${entry[part as "actor"]}!` };
        expect(firstBroken(chain)?.at).toBe(BigInt(place + 1));
      }),
    );
  });

  test("breaks where an entry was taken out or put elsewhere", () => {
    fc.assert(
      fc.property(fc.array(entries, { minLength: 2 }), fc.nat(), (contents, at) => {
        const chain = chainOf(contents);
        const place = at % (chain.length - 1);
        expect(firstBroken(chain.toSpliced(place, 1))?.at).toBe(BigInt(place + 1));
        const [one, other] = [chain[place], chain[place + 1]];
        if (one && other)
          expect(firstBroken(chain.with(place, other).with(place + 1, one))?.at).toBe(BigInt(place + 1));
      }),
    );
  });

  test("belongs to its record and its key", () => {
    const chain = chainOf([
      {
        time: new Date(0),
        service: "s",
        actor: "a",
        action: "b",
        resource: "",
        outcome: 1,
        requestId: "",
        details: {},
      },
    ]);
    expect(firstBroken(chain, genesis(key, "another"))?.at).toBe(1n);
    expect(firstBroken(chain, genesis(new Uint8Array(32), "record"))?.at).toBe(1n);
  });
});

test("no two different entries are sealed as the same bytes", () => {
  const placed = fc
    .tuple(entries, fc.bigInt({ min: 1n, max: 10n }))
    .map(([entry, sequence]) => ({ ...entry, sequence }));
  fc.assert(
    fc.property(placed, placed, (a, b) => {
      const same = JSON.stringify(plain(a)) === JSON.stringify(plain(b));
      expect(Buffer.compare(canonical(a), canonical(b)) === 0).toBe(same);
    }),
  );
  const moved = {
    time: new Date(0),
    service: "ab",
    actor: "c",
    action: "",
    resource: "",
    outcome: 1,
    requestId: "",
    details: {},
    sequence: 1n,
  };
  expect(canonical(moved)).not.toEqual(canonical({ ...moved, service: "a", actor: "bc" }));
  expect(canonical({ ...moved, details: { a: "1", b: "2" } })).toEqual(
    canonical({ ...moved, details: { b: "2", a: "1" } }),
  );
});

const plain = ({ details, sequence, ...rest }: PlacedEntry) => ({
  ...rest,
  sequence: sequence.toString(),
  details: Object.entries(details).sort(([a], [b]) => (a < b ? -1 : 1)),
});

describe("a head that was noted elsewhere", () => {
  const head = (sequence: bigint, byte: number): Head => ({ sequence, seal: new Uint8Array(32).fill(byte) });

  test("goes with a record that has grown since", () => {
    expect(compareHeads(head(9n, 9), head(7n, 7), head(7n, 7).seal)).toBeUndefined();
  });

  test("tells where a record was cut off", () => {
    expect(compareHeads(head(5n, 5), head(7n, 7), undefined)?.at).toBe(6n);
  });

  test("tells that a record was cut off and written on", () => {
    expect(compareHeads(head(9n, 9), head(7n, 7), head(7n, 8).seal)?.at).toBe(7n);
  });
});
