/**
 * What was used of the windows of one key lately, without a list of every use.
 *
 * A window is a ring of 32 batches, each a count and the time of its latest
 * use; a batch leaves when that time is a window ago. Up to 32 uses that is an
 * exact log. Beyond, a batch takes its part of what may still come, so that the
 * window is at most 3 % stricter than its word, and never looser, at no edge of
 * time.
 */
export interface Rings {
  /** Takes room for the windows of one key. */
  open(): number;
  close(at: number): void;
  /** Uses that count now. */
  used(at: number, window: number, lengthMs: number, nowMs: number): number;
  /** Counts uses; `timeMs` may lie ahead by less than a window. Ask `used` first, which makes room. */
  add(at: number, window: number, lengthMs: number, uses: number, timeMs: number, share: number): void;
  /** Time until so many of what counts now count no more; infinite when fewer do. Ask `used` first. */
  waitMs(at: number, window: number, lengthMs: number, nowMs: number, leaving: number): number;
}

const batches = 32;
/** Parts of a window that its times are kept in; 16 bits hold four windows. */
const ticks = 16_384;
/** A batch is the time in its upper and the count in its lower half. */
const mostInBatch = 0xffff;

const keysPerPage = 1024;

interface Page {
  readonly batches: Uint32Array;
  readonly used: Uint32Array;
  readonly newestMs: Float64Array;
  readonly head: Uint8Array;
  readonly length: Uint8Array;
}

/** Flat memory in pages, since the collector would walk millions of small objects. 145 bytes a window. */
export function createRings(windows: number): Rings {
  const pages: Page[] = [];
  const free: number[] = [];

  const addPage = () => {
    const rings = keysPerPage * windows;
    pages.push({
      batches: new Uint32Array(rings * batches),
      used: new Uint32Array(rings),
      newestMs: new Float64Array(rings),
      head: new Uint8Array(rings),
      length: new Uint8Array(rings),
    });
    for (let i = pages.length * keysPerPage; i-- > (pages.length - 1) * keysPerPage; ) free.push(i);
  };

  const pageOf = (at: number): Page => pages[at >>> 10] as Page;
  const ringOf = (at: number, window: number) => (at & (keysPerPage - 1)) * windows + window;

  return {
    open() {
      if (free.length === 0) addPage();
      return free.pop() as number;
    },
    close(at) {
      const page = pageOf(at);
      for (let window = 0; window < windows; window++) clear(page, ringOf(at, window));
      free.push(at);
    },
    used(at, window, lengthMs, nowMs) {
      const page = pageOf(at);
      const ring = ringOf(at, window);
      let length = page.length[ring] as number;
      if (length === 0) return 0;
      if (nowMs - (page.newestMs[ring] as number) >= lengthMs) {
        clear(page, ring);
        return 0;
      }
      const now = Math.floor((nowMs * ticks) / lengthMs);
      const head = page.head[ring] as number;
      const before = length;
      let used = page.used[ring] as number;
      while (length > 0) {
        const batch = page.batches[ring * batches + ((head - length + 1) & (batches - 1))] as number;
        if (ageOf(now, batch) < ticks) break;
        used -= batch & mostInBatch;
        length--;
      }
      if (length !== before) {
        page.length[ring] = length;
        page.used[ring] = used;
      }
      return used;
    },
    add(at, window, lengthMs, uses, timeMs, share) {
      const page = pageOf(at);
      const ring = ringOf(at, window);
      const start = ring * batches;
      const length = page.length[ring] as number;
      const time = Math.ceil((timeMs * ticks) / lengthMs) & 0xffff;
      let head = page.head[ring] as number;
      const room = share - (page.used[ring] as number);
      page.used[ring] = (page.used[ring] as number) + uses;
      if (length === 0 || timeMs > (page.newestMs[ring] as number)) page.newestMs[ring] = timeMs;
      if (length > 0) {
        const batch = page.batches[start + head] as number;
        const count = (batch & mostInBatch) + uses;
        // What may still come must find place in the batches that are left.
        const joins = length === batches || count * (batches - length) <= room || batch >>> 16 === time;
        if (joins && count <= mostInBatch) {
          page.batches[start + head] = ((laterOf(batch >>> 16, time) << 16) | count) >>> 0;
          return;
        }
      }
      if (length < batches) {
        head = (head + 1) & (batches - 1);
        page.head[ring] = head;
        page.length[ring] = length + 1;
        page.batches[start + head] = ((time << 16) | uses) >>> 0;
        return;
      }
      spread(page, start, head, uses, time);
    },
    waitMs(at, window, lengthMs, nowMs, leaving) {
      const page = pageOf(at);
      const ring = ringOf(at, window);
      const now = Math.floor((nowMs * ticks) / lengthMs);
      const head = page.head[ring] as number;
      let gone = 0;
      for (let length = page.length[ring] as number; length > 0; length--) {
        const batch = page.batches[ring * batches + ((head - length + 1) & (batches - 1))] as number;
        gone += batch & mostInBatch;
        if (gone >= leaving) return ((ticks - ageOf(now, batch)) * lengthMs) / ticks;
      }
      return Number.POSITIVE_INFINITY;
    },
  };
}

function clear(page: Page, ring: number): void {
  page.length[ring] = 0;
  page.used[ring] = 0;
}

/** From a window ahead of now to three behind it: what counts is at most two behind, see `newestMs`. */
const ageOf = (now: number, batch: number) => ((now - (batch >>> 16) + ticks) & 0xffff) - ticks;

const laterOf = (a: number, b: number) => (((b - a) & 0xffff) < 0x8000 ? b : a);

/** All batches are taken and the newest is full, which takes a limit that was raised in between. */
function spread(page: Page, start: number, head: number, uses: number, time: number): void {
  let left = uses;
  for (let back = 0; back < batches && left > 0; back++) {
    const at = start + ((head - back) & (batches - 1));
    const batch = page.batches[at] as number;
    const count = batch & mostInBatch;
    const more = Math.min(left, mostInBatch - count);
    if (more === 0) continue;
    page.batches[at] = ((laterOf(batch >>> 16, time) << 16) | (count + more)) >>> 0;
    left -= more;
  }
}
