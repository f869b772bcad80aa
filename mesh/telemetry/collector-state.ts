import type { Logger } from "../log/logger.ts";

/** Tells once that the collector went away and once that it is back, and counts what was lost. */
export interface CollectorState {
  sent(): void;
  failed(items: number, error: unknown): void;
  dropped(): void;
  /** Items lost so far: refused by the collector, or no room to wait for it. */
  readonly lost: number;
}

export function createCollectorState(what: "spans" | "metrics", url: string, log: Logger): CollectorState {
  let away = false;
  let lost = 0;
  let lostBefore = 0;
  // The user and password of a collector may stand in its address.
  const { origin, pathname } = new URL(url);
  const collector = `${origin}${pathname}`;
  return {
    sent() {
      if (!away) return;
      away = false;
      log.info({ collector, lost: lost - lostBefore }, `${what} are exported again`);
      lostBefore = lost;
    },
    failed(items, error) {
      lost += items;
      if (away) return;
      away = true;
      log.warn({ collector, err: error }, `${what} cannot be exported; calls go on without`);
    },
    dropped() {
      lost++;
    },
    get lost() {
      return lost;
    },
  };
}
