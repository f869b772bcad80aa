import type { Replicas } from "./exchange.ts";

export interface MembersOptions {
  readonly self: string;
  /** Not heard for this long: gone. */
  readonly goneMs: number;
  /** Most others that are counted. */
  readonly most: number;
}

/** Who shares the limits, going by what was heard. */
export interface Members {
  /** Says whether this one is new. */
  heard(replica: string, nowMs: number): boolean;
  left(replica: string): void;
  /** Drops those that are gone. A time in which nothing could be heard is not held against them. */
  age(nowMs: number, deafMs: number): void;
  forgetAll(): void;
  view(): Replicas;
}

export function createMembers({ self, goneMs, most }: MembersOptions): Members {
  const heardMs = new Map<string, number>();
  let view: Replicas = { count: 1, rank: 0, others: [] };

  const change = () => {
    const others = [...heardMs.keys()].sort();
    const rank = others.filter((it) => it < self).length;
    view = { count: others.length + 1, rank, others };
  };

  return {
    heard(replica, nowMs) {
      if (replica === self) return false;
      const isNew = !heardMs.has(replica);
      if (isNew && heardMs.size >= most) return false;
      heardMs.set(replica, nowMs);
      if (isNew) change();
      return isNew;
    },
    left(replica) {
      if (heardMs.delete(replica)) change();
    },
    age(nowMs, deafMs) {
      let changed = false;
      for (const [replica, lastMs] of heardMs) {
        const silentMs = nowMs - lastMs - deafMs;
        if (silentMs >= goneMs) {
          heardMs.delete(replica);
          changed = true;
        } else if (deafMs > 0) heardMs.set(replica, lastMs + deafMs);
      }
      if (changed) change();
    },
    forgetAll() {
      if (heardMs.size === 0) return;
      heardMs.clear();
      change();
    },
    view: () => view,
  };
}
