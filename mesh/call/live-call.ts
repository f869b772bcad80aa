import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Span } from "../telemetry/span.ts";
import type { Tracer } from "../telemetry/tracer.ts";
import { traceparentOf } from "../telemetry/tracer.ts";
import type { Call } from "./call.ts";
import type { Caller } from "./identity.ts";

/** The metadata of a call, as its lane holds it; made only when somebody looks. */
export interface Envelope {
  readonly requestHeader: Headers;
  readonly responseHeader: Headers;
  readonly responseTrailer: Headers;
}

export interface LiveCallOptions {
  readonly method: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly span: Span;
  readonly tracer: Tracer;
  readonly caller: Caller;
  readonly userToken: string;
  readonly envelope: Envelope;
  readonly client: () => Call["client"];
  readonly budgetMs: number;
  /** The service's log, of which the call's own is made. */
  readonly log: Logger;
  /** It is the log of a call already. Default: false. */
  readonly logHasIds?: boolean;
}

/**
 * A call while it is answered. What few handlers look at (the signal, the log
 * with its ids, the metadata) is made when it is first looked at: together they
 * would cost more than all the rest of a call.
 */
export class LiveCall implements Call {
  readonly method: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly span: Span;
  readonly caller: Caller;
  readonly userToken: string;
  readonly deadline: number;
  private reason: unknown = undefined;
  private readonly given: LiveCallOptions;
  private readonly timer: NodeJS.Timeout | undefined;
  private listeners: Array<() => void> | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private ownLog: Logger | undefined = undefined;
  private finisher: (() => void) | undefined = undefined;

  constructor(options: LiveCallOptions) {
    const { budgetMs } = options;
    this.given = options;
    this.method = options.method;
    this.requestId = options.requestId;
    this.correlationId = options.correlationId;
    this.span = options.span;
    this.caller = options.caller;
    this.userToken = options.userToken;
    this.deadline = Date.now() + budgetMs;
    this.timer = Number.isFinite(budgetMs)
      ? setTimeout(expire, Math.max(0, Math.ceil(budgetMs)), this)
      : undefined;
  }

  get tracer(): Tracer {
    return this.given.tracer;
  }

  get traceparent(): string {
    return traceparentOf(this.span);
  }

  get client(): Call["client"] {
    return this.given.client();
  }

  get log(): Logger {
    const { requestId, correlationId, given } = this;
    this.ownLog ??= given.logHasIds ? given.log : given.log.child({ requestId, correlationId });
    return this.ownLog;
  }

  get requestHeader(): Headers {
    return this.given.envelope.requestHeader;
  }

  get responseHeader(): Headers {
    return this.given.envelope.responseHeader;
  }

  get responseTrailer(): Headers {
    return this.given.envelope.responseTrailer;
  }

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.reason !== undefined) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  get ended(): unknown {
    return this.reason;
  }

  onEnd(listener: () => void): () => void {
    // A list, as there is mostly one: a set would cost more than all else of a call's end.
    this.listeners ??= [];
    this.listeners.push(listener);
    return () => {
      const at = this.listeners?.indexOf(listener) ?? -1;
      if (at >= 0) this.listeners?.splice(at, 1);
    };
  }

  /** Ends the call early; the first reason counts. */
  end(reason: unknown): void {
    if (this.reason !== undefined) return;
    this.reason = reason ?? fail.canceled("canceled", "the call was cancelled");
    clearTimeout(this.timer);
    this.controller?.abort(this.reason);
    const listeners = this.listeners;
    this.listeners = undefined;
    if (listeners) for (const listener of listeners) listener();
  }

  /** Ends it when its time is up, though the event loop was too busy for its timer. */
  expireIfLate(): void {
    if (Date.now() > this.deadline) expire(this);
  }

  /** What to do when the call is over, however it ended. One thing at most. */
  onFinish(finisher: () => void): void {
    this.finisher = finisher;
  }

  /** The call is over: nothing can end it early any more. */
  finish(): void {
    clearTimeout(this.timer);
    this.listeners = undefined;
    this.finisher?.();
  }
}

function expire(call: LiveCall): void {
  call.end(fail.deadline("deadline_exceeded", `${call.method} did not end within its deadline`));
}
