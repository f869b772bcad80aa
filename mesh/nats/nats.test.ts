import { describe, expect, test, vi } from "vitest";
import { reasonOf } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import { connectNats } from "./nats.ts";

const logs = collectLogs();
const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
const connect = (url: string, waitMs = 5000) => connectNats({ url, name: "test", log, waitMs });
const at = (server: NatsServer, credentials: string) => server.url.replace("//", `//${credentials}@`);
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: Error) => error,
  );

test("a broker that is not there is waited for, then said to be where and how to mend it", async () => {
  const error = await failure(connect("nats://u:hunter2@127.0.0.1:1", 300));
  expect(reasonOf(error)).toBe("nats_unreachable");
  expect(error.message).toContain("cannot use NATS at 127.0.0.1:1: ");
  expect(error.message).toContain("NATS_URL");
  expect(error.message + logs.text).not.toContain("hunter2");
});

describe("credentials in the URL", () => {
  test("of a user are shown; wrong ones fail at once", async () => {
    const server = await startNatsServer("--user", "ada", "--pass", "p@ss/word");
    try {
      const nats = await connect(at(server, `ada:${encodeURIComponent("p@ss/word")}`));
      await nats.connection.flush();
      await nats.close();
      const error = await failure(connect(at(server, "ada:hunter2"), 60_000));
      expect(error.message).toMatch(/authorization/i);
      expect(error.message).not.toContain("hunter2");
    } finally {
      await server.stop();
    }
  });

  test("may be a token alone", async () => {
    const server = await startNatsServer("--auth", "s3cret");
    try {
      const nats = await connect(at(server, "s3cret"));
      await nats.connection.flush();
      await nats.close();
    } finally {
      await server.stop();
    }
  });
});

test("a URL that asks for TLS is not served without it", async () => {
  const server = await startNatsServer();
  try {
    const error = await failure(connect(server.url.replace("nats:", "tls:"), 200));
    expect(reasonOf(error)).toBe("nats_unreachable");
  } finally {
    await server.stop();
  }
});

test("the connection knows when the broker is away, and comes back by itself", async () => {
  const server = await startNatsServer();
  const nats = await connect(server.url);
  try {
    expect(nats.connected()).toBe(true);
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), { timeout: 5000, interval: 10 });
    await server.restart();
    await vi.waitFor(() => expect(nats.connected()).toBe(true), { timeout: 10_000, interval: 20 });
    await nats.connection.flush();
  } finally {
    await nats.close();
    await server.stop();
  }
  expect(nats.connected()).toBe(false);
});
