import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { TestInstance, TestWorld } from "../testing/bus.ts";
import { openWorld } from "../testing/bus.ts";
import type { Database } from "./database.ts";
import { openDatabase } from "./database.ts";

let world: TestWorld;
let it: TestInstance;
/** Over a line that tests can look at. */
let db: Database;
let line: Awaited<ReturnType<typeof openLine>>;

/** Between the client and PostgreSQL: may put other bytes in the place of what is sent. */
async function openLine(port: number) {
  const state = { change: (bytes: Buffer) => bytes };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const store = connect(port, "127.0.0.1");
    for (const socket of [client, store]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        client.destroy();
        store.destroy();
      });
    }
    client.on("data", (bytes) => store.write(state.change(bytes)));
    store.on("data", (bytes) => client.write(bytes));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    state,
    port: (server.address() as AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

beforeAll(async () => {
  world = openWorld();
  it = await world.instance("transaction");
  await it.db.sql`create table written (what text)`;
  const { host, port, user, pass, database } = it.db.sql.options;
  line = await openLine(port[0]!);
  const url = `postgres://${user}:${pass}@${host[0]}:${line.port}/${database}`;
  db = openDatabase({ url, applicationName: "transaction", maxConnections: 2 });
});
beforeEach(async () => {
  line.state.change = (bytes) => bytes;
  await it.db.sql`delete from written`;
});
afterAll(async () => {
  await db.close();
  line.close();
  await world[Symbol.asyncDispose]();
});

const written = async () =>
  (await it.db.sql<{ what: string }[]>`select what from written order by what`).map(({ what }) => what);
const inTransaction = async (query: Database["sql"]) => {
  const [row] = await query<{ own: boolean }[]>`
    select pg_current_xact_id_if_assigned() is not null as own`;
  return row!.own;
};

describe("a transaction", () => {
  test("is one, whatever its first statement is", async () => {
    const firsts: Record<string, (tx: Database["sql"]) => Promise<unknown>> = {
      prepared: (tx) => tx`insert into written values ('x')`,
      "with parameters": (tx) => tx`insert into written values (${"x"})`,
      simple: (tx) => tx.unsafe("insert into written values ('x'); select 1"),
      cursor: async (tx) => {
        for await (const rows of tx`select generate_series(1, 5) as n`.cursor(2)) expect(rows).toBeTruthy();
      },
      "wrong and caught": (tx) => tx`select 1 / 0`.catch(() => {}),
      "several at once": (tx) =>
        Promise.all([tx`insert into written values ('x')`, tx`insert into written values ('y')`]),
      none: async () => {},
    };
    for (const [name, first] of Object.entries(firsts)) {
      const undone = db.transaction(async (tx) => {
        await first(tx as unknown as Database["sql"]);
        if (name !== "wrong and caught") {
          await tx`insert into written values ('z')`;
          expect([name, await inTransaction(tx as unknown as Database["sql"])]).toEqual([name, true]);
        }
        throw new Error("no");
      });
      await expect(undone, name).rejects.toThrow(/no|division by zero/);
    }
    expect(await written()).toEqual([]);
    expect(await db.transaction(async () => "nothing")).toBe("nothing");
  });

  test("gives what its first statement gives", async () => {
    for (let round = 0; round < 2; round++) {
      const rows = await db.transaction((tx) => tx<{ n: number }[]>`select ${7}::int as n`);
      expect([...rows]).toEqual([{ n: 7 }]);
      const changed = await db.transaction((tx) => tx`insert into written values ('a'), ('b')`);
      expect([changed.count, changed.command]).toEqual([2, "INSERT"]);
    }
    expect(
      await db.sql.begin("isolation level serializable", (tx) => tx`show transaction_isolation`),
    ).toEqual([{ transactionIsolation: "serializable" }]);
  });

  test("that does not begin does nothing", async () => {
    await db.transaction((tx) => tx`insert into written values (${"known"})`);
    let broken = 0;
    line.state.change = (bytes) => {
      const at = bytes.indexOf("begin \0");
      if (at < 0 || broken > 0) return bytes;
      broken++;
      return Buffer.concat([bytes.subarray(0, at), Buffer.from("bexin \0"), bytes.subarray(at + 7)]);
    };
    const failed = db.transaction(async (tx) => {
      await tx`insert into written values (${"outside"})`.catch(() => {});
      await tx`insert into written values (${"later"})`;
    });
    await expect(failed).rejects.toThrow();
    expect(broken).toBe(1);
    expect(await written()).toEqual(["known"]);
    await db.transaction((tx) => tx`insert into written values (${"next"})`);
    expect(await written()).toEqual(["known", "next"]);
  });

  test("whose connection breaks before its first statement leaves nothing open for who comes next", async () => {
    for (let round = 0; round < 3; round++) {
      await db.sql`select 1`;
      const failed = db.transaction(async (tx) => {
        line.cut();
        await sleep(30);
        await tx`insert into written values ('never')`;
      });
      await expect(failed).rejects.toThrow();
      await db.sql`insert into written values ('alone')`;
    }
    expect(await written()).toEqual(["alone", "alone", "alone"]);
  });

  test("comes to an end, however often connections break while many wait for one", async () => {
    const run = (n: number) =>
      n % 3 === 0
        ? db.sql`select pg_sleep(0.005)`
        : db.transaction(async (tx) => {
            await tx`select pg_sleep(0.005)`;
            await tx`insert into written values (${`n${n}`})`;
          });
    for (let round = 0; round < 15; round++) {
      const all = Promise.allSettled(Array.from({ length: 12 }, (_, n) => run(n)));
      await sleep(round * 2);
      line.cut();
      await all;
      expect((await Promise.allSettled([run(1), run(2), run(0)])).length).toBe(3);
    }
    // All connections are to be had again.
    const gate = Promise.withResolvers<void>();
    let inside = 0;
    const both = [1, 2].map(() =>
      db.transaction(async (tx) => {
        await tx`select 1`;
        if (++inside === 2) gate.resolve();
        await gate.promise;
      }),
    );
    await Promise.all(both);
  });

  test("waits for a connection, and others wait for its own", async () => {
    const order: string[] = [];
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const held = gates.map(({ promise }, n) =>
      db.transaction(async (tx) => {
        await tx`select 1`;
        await promise;
        order.push(`held ${n}`);
      }),
    );
    await sleep(20);
    const waiting = Array.from({ length: 10 }, (_, n) =>
      n % 2 === 0
        ? db.transaction((tx) => tx`insert into written values (${`t${n}`})`)
        : db.sql`insert into written values (${`s${n}`})`,
    );
    await sleep(20);
    expect(await written()).toEqual([]);
    for (const { resolve } of gates) resolve();
    await Promise.all([...held, ...waiting]);
    expect(await written()).toHaveLength(10);
  });

  test("is refused when the database is closed or cannot be reached", async () => {
    const nowhere = openDatabase({ url: "postgres://nobody:x@127.0.0.1:1/none", applicationName: "x" });
    const refused = nowhere.transaction((tx) => tx`select 1`);
    await expect(refused).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await nowhere.close();
    await expect(nowhere.transaction((tx) => tx`select 1`)).rejects.toMatchObject({
      code: "CONNECTION_ENDED",
    });
  });
});
