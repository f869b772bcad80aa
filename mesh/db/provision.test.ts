import { createServer } from "node:net";
import postgres from "postgres";
import { afterEach, describe, expect, test } from "vitest";
import { reasonOf } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { databaseUrl, dropDatabases } from "../testing/databases.ts";
import { collectLogs } from "../testing/logs.ts";
import { describeDatabase, provisionDatabase } from "./provision.ts";

const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
const made: string[] = [];
const fresh = () => {
  const url = databaseUrl("provision");
  made.push(url);
  return url;
};
afterEach(() => dropDatabases(made.splice(0)));

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: Error) => error,
  );
async function usable(url: string) {
  const sql = postgres(url, { max: 1 });
  const rows = await sql`select current_database() as name`;
  await sql.end();
  return rows[0]?.name === new URL(url).pathname.slice(1);
}

describe("a database that is missing", () => {
  test("is made, and left alone afterwards", async () => {
    const url = fresh();
    await provisionDatabase({ url, log, waitMs: 5000 });
    expect(await usable(url)).toBe(true);
    await provisionDatabase({ url, log, waitMs: 5000 });
    expect(logs.lines.filter((it) => it.message === "database created")).toHaveLength(1);
  });

  test("is made once by instances that race for it", async () => {
    const url = fresh();
    const before = logs.text.length;
    await Promise.all(Array.from({ length: 5 }, () => provisionDatabase({ url, log, waitMs: 10_000 })));
    expect(await usable(url)).toBe(true);
    // That another was faster is no reason to wait and try again.
    expect(logs.text.slice(before)).not.toContain("waiting for");
  });
});

describe("a server that refuses us", () => {
  test("because of the password fails at once, without showing it", async () => {
    // The test server trusts local users, so a stand-in says what a strict one would.
    const refusing = createServer((socket) => {
      socket.once("data", () =>
        socket.end(errorResponse("28P01", 'password authentication failed for user "u"')),
      );
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
    const { port } = refusing.address() as { port: number };
    try {
      const started = performance.now();
      const url = `postgres://u:hunter2@127.0.0.1:${port}/x`;
      const error = await failure(provisionDatabase({ url, log, waitMs: 60_000 }));
      expect(performance.now() - started).toBeLessThan(30_000);
      expect(error.message).toContain(
        `cannot use PostgreSQL at 127.0.0.1:${port}/x: password authentication failed`,
      );
      expect(error.message + logs.text).not.toContain("hunter2");
    } finally {
      refusing.close();
    }
  });

  test("because there is no such role fails at once", async () => {
    const url = new URL(databaseUrl("role"));
    url.username = "nobody_of_this_name";
    const error = await failure(provisionDatabase({ url: url.href, log, waitMs: 60_000 }));
    expect(reasonOf(error)).toBe("database_unreachable");
    expect(error.message).toContain("nobody_of_this_name");
  });
});

test("a server that is not there is waited for, then said to be where and how to mend it", async () => {
  const url = "postgres://u:hunter2@127.0.0.1:1/x";
  const error = await failure(provisionDatabase({ url, log, waitMs: 300 }));
  expect(reasonOf(error)).toBe("database_unreachable");
  expect(error.message).toContain("127.0.0.1:1/x");
  expect(error.message).toContain("ECONNREFUSED");
  expect(error.message).toContain("DATABASE_URL");
  expect(logs.text).toContain("waiting for PostgreSQL at 127.0.0.1:1/x");
  expect(error.message + logs.text).not.toContain("hunter2");
});

test("a database is described without its password", () => {
  expect(describeDatabase("postgres://u:p@h:5/x?password=p")).toBe("h:5/x");
});

/** ErrorResponse of the PostgreSQL protocol (§55.7). */
function errorResponse(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
