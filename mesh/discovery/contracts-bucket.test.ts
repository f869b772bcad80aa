import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { reasonOf } from "../errors.ts";
import { createLogger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import { connectNats } from "../nats/nats.ts";
import { collectLogs } from "../testing/logs.ts";
import type { NatsServer } from "../testing/nats-server.ts";
import { startNatsServer } from "../testing/nats-server.ts";
import { describeContracts, mostContractBytes } from "./contracts.ts";
import { contractsBucket, keepContracts, loadContracts, publishContracts } from "./contracts-bucket.ts";

const log = createLogger({ service: "test", level: "info", contracts: [], destination: collectLogs() });
const contracts = describeContracts([AuthService]);
const reason = (work: Promise<unknown>): Promise<string> => work.then(() => "nothing failed", reasonOf);
const names = (nats: Nats) =>
  loadContracts(nats, contracts.hash).then((it) => it.getService("user.v1.AuthService")?.name);

let server: NatsServer;
let nats: Nats;
beforeEach(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url, name: "test", log, waitMs: 10_000 });
});
afterEach(async () => {
  await nats.close();
  await server.stop();
});

describe("contracts that are published", () => {
  test("are found by their hash", async () => {
    await publishContracts(nats, contracts);
    expect(await names(nats)).toBe("AuthService");
  });

  test("are written once, and once more when half a day has passed", async () => {
    const bucket = await nats.bucket(contractsBucket);
    await publishContracts(nats, contracts);
    const first = await bucket.get(contracts.hash);
    await publishContracts(nats, contracts);
    expect((await bucket.get(contracts.hash))?.revision).toBe(first?.revision);
    await publishContracts(nats, contracts, () => Date.now() + 13 * 3_600_000);
    expect((await bucket.get(contracts.hash))?.revision).not.toBe(first?.revision);
  });

  test("are refused when somebody has put others in their place, until they are published again", async () => {
    await publishContracts(nats, contracts);
    await (await nats.bucket(contractsBucket)).put(contracts.hash, "something else");
    expect(await reason(loadContracts(nats, contracts.hash))).toBe("contracts_forged");
    await publishContracts(nats, contracts);
    expect(await names(nats)).toBe("AuthService");
  });

  test("are there again when the broker comes back with nothing", async () => {
    const kept = keepContracts({ nats, log, contracts, random: () => 0 });
    await kept.published;
    await server.crash();
    await vi.waitFor(() => expect(nats.connected()).toBe(false), { timeout: 8000, interval: 10 });
    await server.restart({ empty: true });
    await vi.waitFor(async () => expect(await names(nats)).toBe("AuthService"), {
      timeout: 10_000,
      interval: 50,
    });
    await kept.stop();
  });
});

test("contracts that nobody published are not found, and what is no hash is refused", async () => {
  expect(await reason(loadContracts(nats, contracts.hash))).toBe("contracts_not_found");
  await publishContracts(nats, contracts);
  await (await nats.bucket(contractsBucket)).delete(contracts.hash);
  expect(await reason(loadContracts(nats, contracts.hash))).toBe("contracts_not_found");
  for (const hash of ["", ">", "../x", contracts.hash.toUpperCase()])
    expect(await reason(loadContracts(nats, hash))).toBe("bad_contracts_hash");
});

test("contracts that are larger than the broker takes are refused, and it is said what to do", async () => {
  const large = { hash: "0".repeat(64), bytes: new Uint8Array(mostContractBytes + 1) };
  await expect(publishContracts(nats, large)).rejects.toThrow(
    /1048577 bytes and NATS takes .*; raise max_payload/,
  );
  expect(() => keepContracts({ nats, log, contracts: large })).toThrow(/max_payload/);
});
