import { Code } from "@connectrpc/connect";
import { toWireError } from "../errors.ts";
import type { Failure } from "../express/failure.ts";
import type { Endpoint } from "./endpoint.ts";
import type { LaneAnswer, LaneRequest, Settle } from "./lane.ts";
import type { Verdict } from "./retry-policy.ts";
import { judgeFailure } from "./retry-policy.ts";
import { settleAnswered, settleFailed } from "./settle.ts";

/** The call that makes attempts, and is told how each ended unless it gave it up. */
export interface Attempting {
  won(attempt: Attempt, answer: LaneAnswer): void;
  lost(attempt: Attempt, failure: Failure, verdict: Verdict): void;
  /** Its caller gave it so little time that not to be done in it proves nothing. */
  readonly isHurried: boolean;
}

/** One try of a call at one instance; tells the endpoint how it went. */
export class Attempt implements Settle {
  readonly endpoint: Endpoint;
  private readonly call: Attempting;
  private readonly startedMs: number;
  private readonly now: () => number;
  private readonly ticket: number;
  private cancel: (() => void) | undefined;

  constructor(call: Attempting, endpoint: Endpoint, startedMs: number, now: () => number) {
    this.call = call;
    this.endpoint = endpoint;
    this.startedMs = startedMs;
    this.now = now;
    this.ticket = endpoint.breaker.begin();
    endpoint.load.begin();
  }

  start(request: LaneRequest): void {
    try {
      this.cancel = this.endpoint.lanes.unary.start(request, this);
    } catch (thrown) {
      // A mistake of ours; thrown out of a timer, it would take the process down.
      this.failed({ error: toWireError(thrown), processed: true });
    }
  }

  answered(answer: LaneAnswer): void {
    settleAnswered(this.endpoint, this.ticket, this.now() - this.startedMs);
    this.call.won(this, answer);
  }

  failed(failure: Failure): void {
    const verdict = judgeFailure(failure);
    const isHurried = failure.error.code === Code.DeadlineExceeded && this.call.isHurried;
    // Heard: what its caller or its deadline ends does not come this way.
    settleFailed(
      this.endpoint,
      this.ticket,
      this.now() - this.startedMs,
      isHurried ? "answer" : verdict,
      true,
    );
    this.call.lost(this, failure, verdict);
  }

  /** Nobody waits for it any more, which is not its fault. */
  giveUp(): void {
    this.end();
    this.endpoint.breaker.cancelled(this.ticket);
  }

  timeOut(): void {
    this.end();
    // Who gives no time to answer must not make it look ill to all others.
    if (this.call.isHurried) this.endpoint.breaker.cancelled(this.ticket);
    else this.endpoint.breaker.failed(this.ticket);
  }

  private end(): void {
    this.cancel?.();
    this.endpoint.load.end(this.now() - this.startedMs);
  }
}
