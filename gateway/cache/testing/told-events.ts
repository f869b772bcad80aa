import type { Invalidation } from "../invalidation.ts";

/** Events as a test tells of them; all methods have the same. */
export function toldEvents() {
  let live = true;
  let events = 0;
  let gaps = 0;
  const invalidation: Invalidation = {
    hear: (subjects) =>
      subjects.length === 0
        ? { isLive: () => true, events: () => 0, gaps: () => 0 }
        : { isLive: () => live, events: () => events, gaps: () => gaps },
    close() {},
  };
  return {
    invalidation,
    happen: () => void events++,
    lose() {
      live = false;
      gaps++;
    },
    hearAgain() {
      live = true;
      gaps++;
    },
  };
}
