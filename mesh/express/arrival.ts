import type { Fields } from "../call/metadata.ts";
import { headersOf, isFieldValue } from "../call/metadata.ts";
import { userHeader } from "../identity/tokens.ts";
import type { Arrival } from "../rpc/intake.ts";

export interface ExpressArrivalOptions {
  readonly authorization: string;
  readonly statement: string;
  readonly timeoutMs: number;
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly fields: Fields;
}

/** A call as the express lane brings it. Headers are made only when a handler looks at them. */
export class ExpressArrival implements Arrival {
  readonly timeoutMs: number | undefined;
  private readonly given: ExpressArrivalOptions;
  private asked: Headers | undefined = undefined;
  /** What the handler set, if it did. */
  answerHeader: Headers | undefined = undefined;
  answerTrailer: Headers | undefined = undefined;

  constructor(given: ExpressArrivalOptions) {
    this.given = given;
    this.timeoutMs = given.timeoutMs || undefined;
  }

  header(name: string): string | undefined {
    const { given } = this;
    switch (name) {
      case "authorization":
        return given.authorization || undefined;
      case userHeader:
        return given.statement || undefined;
      case "x-request-id":
        return given.requestId || undefined;
      case "x-correlation-id":
        return given.correlationId || undefined;
      case "traceparent":
        return given.traceparent || undefined;
      default:
        return given.fields ? (this.requestHeader.get(name) ?? undefined) : undefined;
    }
  }

  get requestHeader(): Headers {
    if (!this.asked) {
      this.asked = headersOf(this.given.fields);
      for (const name of named) {
        const value = this.header(name);
        if (value !== undefined && isFieldValue(value)) this.asked.set(name, value);
      }
    }
    return this.asked;
  }

  get responseHeader(): Headers {
    this.answerHeader ??= new Headers();
    return this.answerHeader;
  }

  get responseTrailer(): Headers {
    this.answerTrailer ??= new Headers();
    return this.answerTrailer;
  }
}

/** Those that have a place of their own in the frame. */
const named = ["authorization", userHeader, "x-request-id", "x-correlation-id", "traceparent"] as const;
