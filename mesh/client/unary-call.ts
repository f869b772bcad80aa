import { ConnectError } from "@connectrpc/connect";
import { fail, reasonOf } from "../errors.ts";
import type { Failure } from "../express/failure.ts";
import { backoffMs } from "../resilience/backoff.ts";
import type { Hedge } from "../resilience/hedge.ts";
import type { RetryBudget } from "../resilience/retry-budget.ts";
import type { CallMetrics } from "../telemetry/call-metrics.ts";
import type { Attempting } from "./attempt.ts";
import { Attempt } from "./attempt.ts";
import type { CallPolicy } from "./call-policy.ts";
import type { Endpoint } from "./endpoint.ts";
import { admits } from "./endpoint.ts";
import type { Endpoints } from "./endpoints.ts";
import type { LaneAnswer, LaneRequest } from "./lane.ts";
import { breakerOpen, noInstance } from "./nowhere.ts";
import type { Verdict } from "./retry-policy.ts";
import { mayRepeat } from "./retry-policy.ts";
import { retryAfterOf, withNote } from "./retry-words.ts";
import { unreachable } from "./unreachable.ts";

/** What all calls to one service share. */
export interface CalleeState {
  readonly name: string;
  readonly endpoints: Endpoints;
  readonly budget: RetryBudget;
  readonly metrics: Pick<CallMetrics, "retried" | "hedged" | "rejected">;
  /** Services start in any order; this is how long a call waits for a callee that is not there yet. */
  readonly readyMs: number;
  readonly now: () => number;
  readonly random: () => number;
}

/** A callee that asks for more time than this gets it from the caller, not from the mesh. */
const longestAskedMs = 1000;
/** An instance that needs longer than this is slow; one that is given less may be well. */
const fairMs = 500;
/** Waits for an absent callee grow to this. */
const absentMaxMs = 500;

/**
 * One call on its way: tries it at one instance after the other, or at two at
 * once, until there is an answer, an error that stays, or no time left.
 */
export class UnaryCall implements Attempting {
  /** How many tries it took. */
  attempts = 0;
  /** The instance that was tried last. */
  endpoint: Endpoint | undefined = undefined;
  private readonly callee: CalleeState;
  private readonly policy: CallPolicy;
  private readonly request: LaneRequest;
  private readonly hedge: Hedge | undefined;
  private readonly startedMs: number;
  private readonly deadlineMs: number;
  private resolve!: (answer: LaneAnswer) => void;
  private reject!: (error: Error) => void;
  private live: Attempt[] = [];
  private tried: Endpoint[] = [];
  private absences = 0;
  private absent: ConnectError | undefined = undefined;
  /** What the try before the next one failed with. */
  private last: ConnectError | undefined = undefined;
  private done = false;
  private deadline: NodeJS.Timeout | undefined;
  private retry: NodeJS.Timeout | undefined;
  private second: NodeJS.Timeout | undefined;

  constructor(callee: CalleeState, policy: CallPolicy, request: LaneRequest, hedge: Hedge | undefined) {
    this.callee = callee;
    this.policy = policy;
    this.request = request;
    this.hedge = hedge;
    this.startedMs = callee.now();
    this.deadlineMs = this.startedMs + request.timeoutMs;
  }

  get isHurried(): boolean {
    return this.request.timeoutMs < Math.min(fairMs, this.policy.timeoutMs);
  }

  run(): Promise<LaneAnswer> {
    return new Promise<LaneAnswer>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
      this.deadline = setTimeout(expire, Math.ceil(this.request.timeoutMs), this);
      this.callee.budget.deposit();
      const delayMs = this.hedge?.begin();
      if (delayMs !== undefined) this.second = setTimeout(trySecond, delayMs, this);
      this.attempt();
    });
  }

  /** Ends the call from outside: its caller lost interest. */
  abort(reason: unknown): void {
    if (this.done) return;
    for (const attempt of this.live) attempt.giveUp();
    this.finish();
    this.reject(ConnectError.from(reason));
  }

  /** The time is up. It counts against the instances that did not answer. */
  expire(): void {
    if (this.done) return;
    const waited = this.live.length > 0 ? this.live.map(({ endpoint }) => endpoint.name).join(" and ") : "";
    for (const attempt of this.live) attempt.timeOut();
    this.finish();
    const took = `${Math.round(this.deadlineMs - this.startedMs)} ms`;
    const last = this.last
      ? ` between two tries, the last of which failed with: ${this.last.rawMessage}`
      : "";
    const where = waited ? `: ${waited} did not answer` : last;
    this.reject(
      fail.deadline("deadline_exceeded", `${this.policy.name} did not end within its ${took}${where}`),
    );
  }

  trySecond(): void {
    if (this.done || this.live.length !== 1 || !this.isFreshLeft()) return;
    if (!this.hedge?.mayHedge()) return;
    this.callee.metrics.hedged(this.callee.name);
    this.attempt();
  }

  attempt(): void {
    if (this.done) return;
    const { endpoints, now } = this.callee;
    const endpoint = endpoints.pick(this.tried);
    if (!endpoint) {
      this.nowhere();
      return;
    }
    this.attempts++;
    this.endpoint = endpoint;
    this.tried.push(endpoint);
    const startedMs = now();
    this.request.timeoutMs = Math.max(1, this.deadlineMs - startedMs);
    const attempt = new Attempt(this, endpoint, startedMs, now);
    this.live.push(attempt);
    attempt.start(this.request);
  }

  won(attempt: Attempt, answer: LaneAnswer): void {
    if (this.done) return;
    for (const other of this.live) if (other !== attempt) other.giveUp();
    this.hedge?.observed(this.callee.now() - this.startedMs);
    this.finish();
    this.resolve(answer);
  }

  lost(attempt: Attempt, failure: Failure, verdict: Verdict): void {
    if (this.done) return;
    this.live = this.live.filter((it) => it !== attempt);
    const { error } = failure;
    if (verdict === "answer") {
      for (const other of this.live) other.giveUp();
      this.fail(error);
      return;
    }
    // Its second try is still out.
    if (this.live.length > 0) return;
    if (!mayRepeat(verdict, failure, this.policy.repeatable)) {
      this.fail(error);
    } else if (verdict === "absent") {
      this.absent = error;
      this.tryWhereSomebodyIs(error);
    } else {
      this.tryAgain(error, verdict);
    }
  }

  /** Nothing was sent so far, so only time limits these tries. */
  private tryWhereSomebodyIs(error: ConnectError): void {
    this.last = error;
    const { now, random, readyMs, endpoints } = this.callee;
    if (this.isFreshLeft()) {
      this.attempt();
      return;
    }
    const waitMs = backoffMs(++this.absences, random, 0, { baseMs: 25, maxMs: absentMaxMs });
    // Once somebody has waited so long for the service, not every call does so anew.
    const sinceMs = Math.min(this.startedMs, endpoints.emptySinceMs ?? this.startedMs);
    if (now() - sinceMs + waitMs >= readyMs) {
      this.fail(error);
      return;
    }
    this.tried = [];
    this.retry = setTimeout(attemptAgain, waitMs, this);
  }

  private tryAgain(error: ConnectError, verdict: Verdict): void {
    this.last = error;
    const { name, budget, metrics, random, now } = this.callee;
    const askedMs = retryAfterOf(error);
    // Whoever is asked to come back so much later has to say whether it will.
    if (askedMs > longestAskedMs) {
      this.fail(error);
      return;
    }
    if (this.attempts >= this.policy.maxAttempts) {
      this.fail(this.attempts > 1 ? withNote(error, `tried ${this.attempts} times`) : error);
      return;
    }
    // What an instance on its way out did not take adds no load when another takes it.
    if (verdict !== "leaving" && !budget.withdraw()) {
      metrics.rejected("out", name, "budget");
      this.fail(withNote(error, `not tried again: ${budget.describe()}`));
      return;
    }
    metrics.retried(name, reasonOf(error));
    if (verdict !== "broken" && this.isFreshLeft()) {
      this.attempt();
      return;
    }
    const waitMs = backoffMs(this.attempts, random, askedMs);
    if (now() + waitMs >= this.deadlineMs) this.fail(error);
    else this.retry = setTimeout(attemptAgain, waitMs, this);
  }

  private isFreshLeft(): boolean {
    return this.callee.endpoints.all.some((it) => !this.tried.includes(it) && admits(it));
  }

  private nowhere(): void {
    const { name, endpoints, metrics } = this.callee;
    const [first] = endpoints.all;
    if (!first) {
      this.tryWhereSomebodyIs(noInstance(name));
      return;
    }
    const shut = breakerOpen(endpoints.all);
    if (!shut) {
      const cause = new Error("nobody was there a moment ago");
      this.tryWhereSomebodyIs(this.absent ?? unreachable(first.name, cause));
      return;
    }
    metrics.rejected("out", name, "breaker");
    this.fail(shut);
  }

  private fail(error: Error): void {
    this.finish();
    this.reject(error);
  }

  private finish(): void {
    this.done = true;
    this.live = [];
    clearTimeout(this.deadline);
    clearTimeout(this.retry);
    clearTimeout(this.second);
  }
}

function expire(call: UnaryCall): void {
  call.expire();
}
function attemptAgain(call: UnaryCall): void {
  call.attempt();
}
function trySecond(call: UnaryCall): void {
  call.trySecond();
}
