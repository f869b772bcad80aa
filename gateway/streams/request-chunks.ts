import type { LiveCall } from "#mesh/call/live-call.ts";
import { fail } from "#mesh/errors.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";

export interface ChunkLimits {
  /** Of the whole body. */
  readonly bytes: number;
  /** How long nothing may come while more is wanted. Default: as long as the call lasts. */
  readonly silentMs?: number | undefined;
}

/**
 * The body of a request, taken piece by piece. While nobody asks for the next
 * one nothing is read, and the client waits.
 */
export class RequestChunks {
  readonly #request: NodeServerRequest;
  readonly #limits: ChunkLimits;
  readonly #offCall: () => void;
  #size = 0;
  #ended = false;
  #failure: unknown = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(request: NodeServerRequest, call: LiveCall, limits: ChunkLimits) {
    this.#request = request;
    this.#limits = limits;
    mustBePlain(request);
    if (Number(request.headers["content-length"] ?? 0) > limits.bytes) throw tooLarge(limits.bytes);
    request.on("readable", this.#onReadable);
    request.on("end", this.#onEnd);
    request.on("close", this.#onGone);
    // It stays, for a client may hang up at any time and nobody else listens.
    request.on("error", this.#onGone);
    this.#offCall = call.onEnd(() => this.#fail(call.ended));
  }

  /** The next piece; nothing at the end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk = this.#request.read() as Buffer | null;
      if (chunk !== null) {
        this.#size += chunk.length;
        if (this.#size > this.#limits.bytes) this.#fail(tooLarge(this.#limits.bytes));
        else return chunk;
      } else if (this.#ended) return undefined;
      else await this.#more();
    }
  }

  /** What still comes is not kept; the port sees to it that it ends. */
  close(): void {
    const request = this.#request;
    this.#fail(fail.canceled("canceled", "nobody reads the request any more"));
    this.#offCall();
    request.off("readable", this.#onReadable);
    request.off("end", this.#onEnd);
    request.off("close", this.#onGone);
    // A stream that somebody listened to this way flows only a turn later.
    setImmediate(() => request.resume());
  }

  #more(): Promise<void> {
    const { silentMs } = this.#limits;
    return new Promise((resolve) => {
      const timer =
        silentMs === undefined ? undefined : setTimeout(() => this.#fail(tooSilent(silentMs)), silentMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #fail(failure: unknown): void {
    this.#failure ??= failure;
    this.#wake?.();
  }

  readonly #onReadable = (): void => this.#wake?.();
  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };
  readonly #onGone = (): void => {
    if (!this.#ended)
      this.#fail(fail.canceled("canceled", "the client hung up before its request was whole"));
  };
}

/** What is streamed is passed on as it comes, so it must come as it is. */
function mustBePlain({ headers }: NodeServerRequest): void {
  const coding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "identity") return;
  throw fail.invalid("unsupported_encoding", `a stream is not read in the encoding ${coding.slice(0, 40)}`, {
    remedy: "send it as it is",
  });
}

const tooLarge = (bytes: number) =>
  fail.exhausted("body_too_large", `the body has more than ${bytes} bytes`, {
    remedy: "send less at a time",
  });
const tooSilent = (ms: number) =>
  fail.deadline("body_too_slow", `nothing of the body came for ${ms / 1000} s`, { remedy: "send it faster" });
