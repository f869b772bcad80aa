/** Makes changes, and tells of each in the transaction that makes it. */
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { UserUpdatedSchema } from "#gen/user/v1/events_pb.js";
import { newId } from "#mesh/id.ts";
import { fieldsOf } from "../change.ts";
import type { HistoryLine } from "../history.ts";
import type { ToRole, WritingOptions } from "../role-talk.ts";
import { pause } from "./effect.ts";
import { openRole, say } from "./open.ts";

const writers = 8;
/** One in so many is poisoned, and is thought better of at the last moment. */
const poisonedIn = 23;
const refusedIn = 17;
const afterFailureMs = 100;

class Refused extends Error {}

const { db, bus, options } = await openRole([UserUpdatedSchema]);
let running = 0;
let stopped = options.writing === undefined;
const sayIdle = () => {
  if (stopped && running === 0) say({ idle: true });
};
process.on("message", (message: ToRole) => {
  if (!("writing" in message)) return;
  stopped = true;
  sayIdle();
});

async function write({ file, aggregates, perSecond }: WritingOptions): Promise<void> {
  const history = openSync(file, "a");
  const note = (line: HistoryLine) => writeSync(history, `${JSON.stringify(line)}\n`);
  const pauseMs = (1000 * writers) / perSecond;
  let count = 0;

  const change = async () => {
    const [op, aggregate] = [newId(), `aggregate-${Math.floor(Math.random() * aggregates)}`];
    const isPoisoned = ++count % poisonedIn === 0;
    const isRefused = count % refusedIn === 0;
    note({ op, step: "begun", aggregate, isPoisoned });
    try {
      const made = await db.transaction(async (tx) => {
        const [row] = await tx<{ version: bigint }[]>`
          update aggregates set version = version + 1 where id = ${aggregate} returning version`;
        const version = Number(row?.version);
        await pause();
        const fields = fieldsOf({ op, version, isPoisoned });
        const id = await bus.events.publish(UserUpdatedSchema, { userId: aggregate, fields }, tx);
        await pause();
        if (isRefused) throw new Refused();
        return { version, id };
      });
      note({ op, step: "acknowledged", ...made });
    } catch (error) {
      if (error instanceof Refused) {
        note({ op, step: "refused" });
        return;
      }
      // It may be committed all the same.
      note({ op, step: "unknown", why: String(error) });
      await sleep(afterFailureMs);
    }
  };

  const writer = async (index: number) => {
    let dueMs = performance.now() + (pauseMs * index) / writers;
    while (!stopped) {
      const nowMs = performance.now();
      // What could not be made in its time is not made up for.
      dueMs = Math.max(dueMs + pauseMs, nowMs);
      await sleep(dueMs - nowMs);
      if (!stopped) await change();
    }
  };

  running = writers;
  await Promise.all(
    Array.from({ length: writers }, (_, index) =>
      writer(index).finally(() => {
        running--;
        sayIdle();
      }),
    ),
  );
}

if (options.writing) await write(options.writing);
else sayIdle();
// Goes on to publish what it has written.
setInterval(() => {}, 60_000);
