import { afterAll, beforeAll, expect, test } from "vitest";
import { startGenerator } from "./kit/generators.ts";
import type { Mesh } from "./kit/mesh.ts";
import { openMesh } from "./kit/mesh.ts";
import { note } from "./kit/note.ts";

/** What one call computes: a server with one core can answer fewer than 250 a second. */
const busyMicros = 4000;
const plenty = 1_000_000 / busyMicros;
const enough = 0.9;
const ms = 3000;
/** Half of what would wait, at most, if all were let in: the caller itself has 512 calls in flight at most. */
const timeoutMs = 1000;
/** Of each, at most, and the better counts: what runs beside the test may spoil one. */
const rounds = 5;

let mesh: Mesh;
beforeAll(async () => {
  mesh = await openMesh();
});
afterAll(() => mesh[Symbol.asyncDispose]());

test("a server at five times its capacity keeps nine tenths of its best goodput", async () => {
  const { port, pid } = await mesh.start("busy");
  await using generator = await startGenerator({ service: "busy", port, pid, busyMicros, timeoutMs });
  const capacity = (await generator.play({ perSecond: plenty, ms })).goodput;
  const best = { full: capacity, over: 0 };
  const isSpoilt = () => best.full <= plenty / 2 || best.over / best.full < enough;
  for (let i = 0; i < rounds && isSpoilt(); i++) {
    const over = await generator.play({ perSecond: 5 * best.full, ms });
    const full = await generator.play({ perSecond: best.full, ms });
    best.over = Math.max(best.over, over.goodput);
    best.full = Math.max(best.full, full.goodput);
    note({ overload: { over, full, ratio: best.over / best.full } });
  }
  expect(best.full).toBeGreaterThan(plenty / 2);
  expect(best.over / best.full).toBeGreaterThanOrEqual(enough);
}, 120_000);
