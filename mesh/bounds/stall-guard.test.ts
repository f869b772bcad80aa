import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createStallGuard } from "./stall-guard.ts";

const stalledReadMs = 1000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An answer of which that many bytes wait, on a connection that sent that many. */
function watched() {
  const state = { pending: 0, sent: 0, aborted: false };
  const guard = createStallGuard(stalledReadMs);
  const watch = guard.watch({
    pending: () => state.pending,
    socket: {
      get bytesWritten() {
        return state.sent;
      },
    } as never,
    abort: () => {
      state.aborted = true;
    },
  });
  return { state, guard, watch };
}
const pass = (ms: number, each: () => void = () => {}) => {
  for (let passed = 0; passed < ms; passed += 100) {
    each();
    vi.advanceTimersByTime(100);
  }
};

test("an answer that lies unread is ended", () => {
  const { state } = watched();
  state.pending = 100;
  pass(stalledReadMs / 2);
  expect(state.aborted).toBe(false);
  pass(stalledReadMs * 2);
  expect(state.aborted).toBe(true);
});

test("a call that has nothing to say yet may take its time", () => {
  const { state } = watched();
  pass(stalledReadMs * 20);
  expect(state.aborted).toBe(false);
});

test("a reader that makes progress is left alone, however long the answer", () => {
  const { state } = watched();
  state.pending = 1_000_000;
  pass(stalledReadMs * 20, () => {
    state.pending -= 100;
    state.sent += 100;
  });
  expect(state.aborted).toBe(false);
});

test("an answer may wait while others of its connection are sent, but not for ever", () => {
  const { state } = watched();
  state.pending = 100;
  pass(stalledReadMs * 3, () => {
    state.sent += 1;
  });
  expect(state.aborted).toBe(false);
  pass(stalledReadMs * 5, () => {
    state.sent += 1;
  });
  expect(state.aborted).toBe(true);
});

test("an answer that is done is no longer watched", () => {
  const { state, watch } = watched();
  state.pending = 100;
  watch.done();
  pass(stalledReadMs * 20);
  expect(state.aborted).toBe(false);
});

test("nothing runs on once it is stopped", () => {
  const { guard } = watched();
  guard.stop();
  expect(vi.getTimerCount()).toBe(0);
});
