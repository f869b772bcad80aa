import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ClaimedJob, ClaimResponse } from "#gen/mesh/v1/jobs_pb.js";
import type { Logger } from "../log/logger.ts";
import type { Appetite, Room } from "./appetite.ts";
import { createPause } from "./pause.ts";
import type { WorkerPolicy } from "./worker-policy.ts";

export interface ClaimingOptions {
  readonly appetite: Appetite;
  readonly claim: (rooms: readonly Room[]) => Promise<ClaimResponse>;
  /** Takes what came for good. */
  readonly take: (jobs: readonly ClaimedJob[]) => void;
  readonly policy: WorkerPolicy;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: () => number;
}

export interface Claiming {
  /** Something may be due, or a place is free: asks if that is worth while. */
  look(): void;
  /** Claims no more; resolves when the claim that is under way has brought what it brings. */
  stop(): Promise<void>;
}

/** Fetches jobs for free places, one call at a time. */
export function startClaiming(options: ClaimingOptions): Claiming {
  const { appetite, claim, take, policy, log, now, random } = options;
  const pause = createPause();
  const gathering = createPause();
  let isStopping = false;
  let failures = 0;

  const spread = (ms: number) => ms * (0.75 + random() / 2);

  /** Gives how long to wait for the next one, unless something is heard. */
  const claimOnce = async (rooms: readonly Room[]): Promise<number> => {
    appetite.offered(rooms);
    const { jobs, more, nextDueAt } = await claim(rooms);
    if (failures > 0) log.info("jobs are claimed again");
    failures = 0;
    take(jobs);
    appetite.got(
      rooms,
      jobs.map(({ type }) => type),
      more,
    );
    const dueMs = nextDueAt ? timestampMs(nextDueAt) - now() : 0;
    const pollMs = spread(policy.pollMs);
    // A clock that goes before the queue's would have it asked without end.
    return dueMs > 0 ? Math.min(dueMs, pollMs) : pollMs;
  };

  const run = async () => {
    while (!isStopping) {
      const rooms = appetite.rooms();
      try {
        const waitMs = rooms.length > 0 ? await claimOnce(rooms) : Number.POSITIVE_INFINITY;
        if (isStopping || (rooms.length > 0 && appetite.isEager())) continue;
        await pause.wait(waitMs);
        // Not woken by more of the same, which is what it waits for.
        if (!isStopping) await gathering.wait(policy.gatherMs);
      } catch (err) {
        if (isStopping) return;
        if (failures === 0) log.warn({ err }, "jobs cannot be claimed now; tried again");
        failures++;
        await pause.wait(spread(Math.min(policy.awayMaxMs, policy.pollMs * 2 ** (failures - 1))));
      }
    }
  };

  const ended = run();
  return {
    look() {
      if (failures === 0 && appetite.isEager()) pause.wake();
    },
    stop() {
      isStopping = true;
      pause.wake();
      gathering.wake();
      return ended;
    },
  };
}
