import { execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

// Loaded anew: tests before this file may have left buffers open, and all of a module share one listener.
vi.resetModules();
const { createLineBuffer } = await import("./line-buffer.ts");

/** A destination that may fall behind, as pino's do. */
function openDestination() {
  const events = new EventEmitter();
  const written: string[] = [];
  let room = true;
  return Object.assign(events, {
    written,
    write(text: string) {
      written.push(text);
      return room;
    },
    stall() {
      room = false;
    },
    drain() {
      room = true;
      events.emit("drain");
    },
  });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open(options: { flushAt?: number; limit?: number } = {}) {
  const destination = openDestination();
  const lost: number[] = [];
  const lines = createLineBuffer({ destination, dropped: (count) => lost.push(count), ...options });
  return { destination, lost, lines };
}

describe("lines", () => {
  test("wait 100 ms for others and are written together", () => {
    const { destination, lines } = open();
    lines.add("a\n");
    vi.advanceTimersByTime(60);
    lines.add("b\n");
    expect(destination.written).toEqual([]);
    vi.advanceTimersByTime(40);
    expect(destination.written).toEqual(["a\nb\n"]);
    vi.advanceTimersByTime(1000);
    expect(destination.written).toHaveLength(1);
    lines.close();
  });

  test("are written at once when many wait", () => {
    const { destination, lines } = open({ flushAt: 6 });
    for (const line of ["aa\n", "bb\n", "cc\n"]) lines.add(line);
    expect(destination.written).toEqual(["aa\nbb\n"]);
    lines.close();
    expect(destination.written).toEqual(["aa\nbb\n", "cc\n"]);
  });

  test("wait while the destination is behind", () => {
    const { destination, lines } = open({ flushAt: 3 });
    destination.stall();
    for (const line of ["aa\n", "bb\n", "cc\n"]) lines.add(line);
    vi.advanceTimersByTime(1000);
    expect(destination.written).toEqual(["aa\n"]);
    destination.drain();
    expect(destination.written).toEqual(["aa\n", "bb\ncc\n"]);
    lines.close();
  });

  test("beyond the limit are lost and counted, once there is room to say so", () => {
    const { destination, lines, lost } = open({ flushAt: 3, limit: 6 });
    destination.stall();
    for (const line of ["aa\n", "bb\n", "cc\n", "dd\n", "ee\n"]) lines.add(line);
    expect(lost).toEqual([]);
    destination.drain();
    expect(destination.written).toEqual(["aa\n", "bb\ncc\n"]);
    expect(lost).toEqual([2]);
    lines.close();
  });

  test("are written at the exit of the process, whole and to the disk", () => {
    const { destination, lines } = open();
    let synced = 0;
    Object.assign(destination, { flushSync: () => synced++ });
    lines.add("a\n");
    // The one listener of the buffers, since emitting the event would reach the test runner's.
    process.listeners("exit").at(-1)?.call(process, 0);
    expect(destination.written).toEqual(["a\n"]);
    expect(synced).toBe(1);
    lines.close();
  });
});

test("buffers share one listener and leave none behind", () => {
  const before = process.listenerCount("exit");
  const buffers = [open(), open(), open()];
  expect(process.listenerCount("exit")).toBe(before + 1);
  for (const { lines } of buffers) lines.close();
  expect(process.listenerCount("exit")).toBe(before);
});

const module = (name: string) => JSON.stringify(import.meta.resolve(name));

test.each([
  ["that ends", "process.exit(3)"],
  ["that crashes", "setTimeout(() => { throw new Error('boom'); })"],
])("a process %s writes its last lines to a destination of pino", async (_name, end) => {
  const script = `
    import { pino } from ${module("pino")};
    import { createLineBuffer } from ${module("./line-buffer.ts")};
    const destination = pino.destination({ dest: 1, sync: false });
    const lines = createLineBuffer({ destination, dropped() {} });
    for (let line = 0; line < 1000; line++) lines.add(line + " ".repeat(100) + "\\n");
    ${end};`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  const written = stdout.trimEnd().split("\n");
  expect(written.map(Number)).toEqual(Array.from({ length: 1000 }, (_, line) => line));
});
