import type { Socket } from "node:net";
import { connect } from "node:net";
import type { HttpAnswer } from "./fuzz-answers.ts";
import { readAnswer } from "./fuzz-answers.ts";

export interface Asked {
  readonly verb: string;
  readonly bytes: Buffer;
}

export interface PipeOptions<T extends Asked> {
  readonly port: number;
  /** Connections at once. */
  readonly connections: number;
  /** Requests that wait behind each other on one. */
  readonly depth: number;
  /** The next request; nothing when there are no more. */
  readonly next: () => T | undefined;
  /** Told of each request once: its answer, or why there is none. */
  readonly told: (asked: T, answer: HttpAnswer | string) => void;
}

/** How long an answer may take before it is called a hang. */
const patienceMs = 15_000;

/** Sends requests over connections that stay, several behind each other, until there are no more. */
export async function pipe<T extends Asked>(options: PipeOptions<T>): Promise<void> {
  await Promise.all(Array.from({ length: options.connections }, () => lane(options)));
}

async function lane<T extends Asked>({ port, depth, next, told }: PipeOptions<T>): Promise<void> {
  let waiting: T[] = [];
  /** Sent already, on a connection that ended before their turn came. */
  let again: T[] = [];
  let isDry = false;
  /** One at a time: of several behind each other, a broken one takes the others with it. */
  let isAlone = false;
  const take = (): T | undefined => {
    const old = again.shift();
    if (old || isDry) return old;
    const fresh = next();
    isDry = fresh === undefined;
    return fresh;
  };

  const once = () =>
    new Promise<void>((resolve) => {
      const socket: Socket = connect({ host: "127.0.0.1", port, noDelay: true });
      let rest: Buffer = Buffer.alloc(0);
      const timer = setTimeout(() => over("hangs"), patienceMs);
      const over = (why?: string, isTold = false) => {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.on("error", () => {});
        socket.destroy();
        const left = waiting;
        waiting = [];
        const [first] = left;
        if (first && (why !== undefined || isAlone)) {
          left.shift();
          told(first, why ?? "the connection ends without an answer");
          isAlone = false;
        } else isAlone = left.length > 0 && !isTold;
        again = [...left, ...again];
        resolve();
      };
      const fill = () => {
        const pieces: Buffer[] = [];
        while (waiting.length < (isAlone ? 1 : depth)) {
          const asked = take();
          if (!asked) break;
          waiting.push(asked);
          pieces.push(asked.bytes);
        }
        if (pieces.length > 0) socket.write(Buffer.concat(pieces));
        else if (waiting.length === 0) over();
      };
      socket.on("data", (chunk: Buffer) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        try {
          for (let asked = waiting[0]; asked; asked = waiting[0]) {
            const step = readAnswer(rest, asked.verb);
            if (!step) break;
            rest = rest.subarray(step.size);
            waiting.shift();
            isAlone = false;
            timer.refresh();
            told(asked, step.answer);
            if (step.answer.isLast) return over(undefined, true);
          }
        } catch (error) {
          return over(String(error));
        }
        if (waiting.length <= depth / 2) fill();
      });
      socket.once("error", () => over());
      socket.once("close", () => over());
      socket.once("end", () => over());
      socket.once("connect", fill);
    });
  do await once();
  while (again.length > 0 || !isDry);
}
