/** Work that waits for its turn. */
export interface Turn {
  run(): void;
}

/** After so long, what the network brought meanwhile is looked at before more work begins. */
const sliceMs = 5;

const waiting: Turn[] = [];
let next = 0;
let scheduled = false;

/**
 * Begins work once all that the network has brought so far is known. Were a
 * handler begun as soon as its call is read, those behind it would wait unseen
 * in a socket's buffer: nobody could count them, turn them away, or learn that
 * their callers have given up. One queue for the process, as its event loop is.
 */
export function takeTurn(turn: Turn): void {
  waiting.push(turn);
  if (scheduled) return;
  scheduled = true;
  setImmediate(work);
}

function work(): void {
  scheduled = false;
  const untilMs = performance.now() + sliceMs;
  while (next < waiting.length) {
    waiting[next++]?.run();
    if (performance.now() >= untilMs) break;
  }
  if (next === waiting.length) {
    waiting.length = 0;
    next = 0;
    return;
  }
  if (next > 1024) {
    waiting.splice(0, next);
    next = 0;
  }
  scheduled = true;
  setImmediate(work);
}
