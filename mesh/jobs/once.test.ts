import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { reasonOf } from "../errors.ts";
import { newId } from "../id.ts";
import type { TestInstance, TestWorld } from "../testing/bus.ts";
import { openWorld } from "../testing/bus.ts";
import type { Job } from "./job.ts";
import type { OnceOptions } from "./once.ts";
import { createOnce } from "./once.ts";

type Tx = Parameters<Parameters<Job["once"]>[0]>[0];

let world: TestWorld;
let service: TestInstance;
let id: string;
beforeAll(async () => {
  world = openWorld();
  service = await world.instance("notification");
  await service.db.sql`create table effects (what text)`;
});
beforeEach(async () => {
  await service.db.sql`truncate effects`;
  id = newId();
});
afterAll(() => world[Symbol.asyncDispose]());

/** As one attempt has it. */
const attempt = (more: Partial<OnceOptions> = {}) =>
  createOnce({ db: service.db, type: "notification.v1.DeliverEmail", id, mustGoOn: () => {}, ...more });
const write =
  (what: string) =>
  async (tx: Tx): Promise<void> => {
    await tx`insert into effects values (${what})`;
  };
const effects = async () =>
  (await service.db.sql<{ what: string }[]>`select what from effects order by what`).map(({ what }) => what);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => "nothing failed",
    (error: unknown) => reasonOf(error),
  );

describe("an effect that is to happen once", () => {
  test("happens in the first attempt, and a later one is told so", async () => {
    expect(await attempt()(write("sent"))).toBe(true);
    expect(await attempt()(write("sent again"))).toBe(false);
    expect(await effects()).toEqual(["sent"]);
    expect(
      await service.db.sql`select consumer, message_id from weft_inbox where message_id = ${id}`,
    ).toEqual([{ consumer: "job/notification.v1.DeliverEmail", messageId: id }]);
  });

  test("that failed has not happened, and may in the same attempt or the next", async () => {
    const once = attempt();
    const fails = async (tx: Tx) => {
      await write("half")(tx);
      throw new Error("no");
    };
    await expect(once(fails)).rejects.toThrow("no");
    expect(await effects()).toEqual([]);
    expect(await once(write("whole"))).toBe(true);
    expect(await effects()).toEqual(["whole"]);
  });

  test("happens once when two attempts are there at the same time", async () => {
    const [one, two] = [attempt(), attempt()];
    const told = await Promise.all([one(write("a")), two(write("b"))]);
    expect(told.sort()).toEqual([false, true]);
    expect(await effects()).toHaveLength(1);
  });

  test("has a name where there are several, and one without is not taken for another", async () => {
    const once = attempt();
    expect(await once(write("first"))).toBe(true);
    expect(await failure(once(write("second")))).toBe("once_twice");
    expect(await once(write("second") as never, "second")).toBe(true);
    expect(await effects()).toEqual(["first", "second"]);
    expect(await attempt()(write("second") as never, "second")).toBe(false);
  });

  test("does not happen in an attempt that was ended, be it in the middle of it", async () => {
    const ended = new Error("cancelled");
    let isEnded = true;
    const once = attempt({
      mustGoOn: () => {
        if (isEnded) throw ended;
      },
    });
    await expect(once(write("never"))).rejects.toBe(ended);
    isEnded = false;
    const ending = async (tx: Tx) => {
      await write("never")(tx);
      isEnded = true;
    };
    await expect(once(ending)).rejects.toBe(ended);
    expect(await effects()).toEqual([]);
  });

  test("needs a database", async () => {
    expect(await failure(attempt({ db: undefined })(() => {}))).toBe("no_database");
  });
});
