import type { Hold } from "#mesh/bounds/held.ts";
import type { LiveCall } from "#mesh/call/live-call.ts";
import type { NodeServerResponse } from "#mesh/server/node.ts";

/**
 * The body of an answer on its way out. One piece at a time: the next is asked
 * of the callee when this one has room, so that a slow reader is felt there and
 * nothing piles up here.
 */
export class Outflow {
  readonly #response: NodeServerResponse;
  readonly #call: LiveCall;
  readonly #hold: Hold;
  readonly #closed: Promise<void>;
  #isClosed = false;

  constructor(response: NodeServerResponse, call: LiveCall, hold: Hold) {
    this.#response = response;
    this.#call = call;
    this.#hold = hold;
    this.#closed = new Promise((resolve) => {
      response.once("close", () => {
        this.#isClosed = true;
        resolve();
      });
    });
  }

  /** Everything that was written has left. */
  get isIdle(): boolean {
    return this.#response.writableLength === 0;
  }

  /** No promise where there is room already. Throws, or rejects, when the call ends first. */
  write(piece: string | Uint8Array): Promise<void> | undefined {
    const call = this.#call;
    if (call.ended !== undefined) throw call.ended;
    if (this.#response.write(piece)) return undefined;
    return this.#drained(piece.length);
  }

  #drained(size: number): Promise<void> {
    const call = this.#call;
    const hold = this.#hold;
    hold.take(size);
    return new Promise((resolve, reject) => {
      // A reader who leaves ends the call, and so does one who lies still for too long.
      const off = call.onEnd(() => {
        hold.give(size);
        reject(call.ended);
      });
      this.#response.once("drain", () => {
        off();
        hold.give(size);
        resolve();
      });
    });
  }

  /** Writes something that may as well be lost. */
  mention(piece: string): void {
    if (this.isIdle && this.#call.ended === undefined && !this.#isClosed) this.#response.write(piece);
  }

  /** The last piece. */
  end(piece: string): void {
    if (!this.#isClosed) this.#response.end(piece);
  }

  /** Resolves when all of it is with the reader's system, or lost. */
  closed(): Promise<void> {
    return this.#closed;
  }
}
