/** One instance of a service, in a process of its own. Started by `workers.ts`. */
import { createHash, randomBytes } from "node:crypto";
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "#mesh";
import { defineService, handlers, hostService } from "#mesh";
import type { WorkerContract } from "./contract.ts";
import { workerContract } from "./contract.ts";
import type { FromWorker, Mood, ToWorker, WorkerOptions } from "./worker-talk.ts";

const { service, next, tally }: WorkerOptions = JSON.parse(process.argv[2] ?? "{}");
const contract = workerContract(service);
const file = openSync(tally, "a");
const me = String(process.pid);

let mood: Mood = {};
let running = 0;
let steps = 0;
let poured = 0;
let heard = 0;
const endedAt: number[] = [];

/** A handler that does as the mood is. */
async function moody(): Promise<{ text: string }> {
  writeSync(file, ".");
  if (mood.delayMs) await sleep(mood.delayMs);
  if (mood.fails) throw new Error("in a bad mood");
  return { text: me };
}

function watched(): () => void {
  running++;
  return () => {
    running--;
    endedAt.push(Date.now());
  };
}

async function relay(call: Call, goOn: () => Promise<unknown>): Promise<{ text: string }> {
  const done = watched();
  const stepping = setInterval(() => steps++, 5);
  call.onEnd(() => clearInterval(stepping));
  try {
    await goOn();
    return { text: me };
  } finally {
    clearInterval(stepping);
    done();
  }
}

const block = Buffer.alloc(4096);

function compute(blocks: number): void {
  const hash = createHash("sha256");
  for (let i = 0; i < blocks; i++) hash.update(block);
  hash.digest();
}

/** The most in several tries: in the others somebody else had the core. */
function measureBlocks(): number {
  const blocks = 500;
  let best = 0;
  for (let i = 0; i < 30; i++) {
    const fromMs = performance.now();
    compute(blocks);
    best = Math.max(best, blocks / (performance.now() - fromMs) / 1000);
  }
  return best;
}

const untilEnded = (call: Call) =>
  new Promise<void>((_resolve, reject) => call.onEnd(() => reject(call.ended)));

const blocksPerMicro = measureBlocks();

const hosted = await hostService(
  defineService({
    name: service,
    contracts: [contract],
    calls: (next === undefined ? {} : { next: workerContract(next) }) as { next: WorkerContract },
    setup: ({ calls }) => ({
      rpc: [
        handlers(contract, {
          look: moody,
          change: moody,
          guarded: moody,
          /** Computes as much as this machine does in so many microseconds. */
          work: ({ number }) => {
            compute(Math.round(Number(number) * blocksPerMicro));
            return { text: me };
          },
          relay: (note, call) =>
            relay(call, async () => {
              if (next !== undefined) await calls.next.relay(note);
              else if (!mood.relays) await untilEnded(call);
            }),
          /** As many messages of 64 KB as it is told, which no compression makes smaller. */
          async *pour({ number }, call) {
            const done = watched();
            try {
              const data = randomBytes(64 * 1024);
              for (let i = 0n; i < number && call.ended === undefined; i++) {
                poured++;
                yield { number: i, data };
              }
              if (number === 1n) await untilEnded(call);
            } finally {
              done();
            }
          },
          /** Hears one message and answers it, every so many milliseconds as the message says. */
          async *talk(notes, call) {
            const done = watched();
            try {
              for await (const { number } of notes) {
                heard++;
                yield { number };
                if (number > 0n) await sleep(Number(number), undefined, { signal: call.signal });
              }
            } finally {
              done();
            }
          },
        }),
      ],
    }),
  }),
  { env: process.env },
);

const say = (message: FromWorker) => process.send?.(message);
process.on("message", (message: ToWorker) => {
  if ("mood" in message) mood = message.mood;
  else {
    const report = { running, steps, endedAt, poured, heard };
    say({ answer: message.question, report });
  }
});
// Whoever started it is gone.
process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => void hosted.stop().then(() => process.exit(0)));
say({ port: hosted.port });
