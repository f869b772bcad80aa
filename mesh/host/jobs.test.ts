import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { exportJWK, generateKeyPair } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { UserCreatedSchema } from "#gen/user/v1/events_pb.js";
import { loadContracts } from "../discovery/contracts-bucket.ts";
import { openDirectory } from "../discovery/directory.ts";
import { reasonOf } from "../errors.ts";
import { newId } from "../id.ts";
import type { Handlers } from "../implementation.ts";
import { handlers } from "../implementation.ts";
import { job } from "../jobs/job.ts";
import { connectNats } from "../nats/nats.ts";
import type { ServiceDefinition } from "../service.ts";
import { defineService } from "../service.ts";
import { freePort } from "../testing/free-port.ts";
import { createTestIssuer } from "../testing/issuer.ts";
import { collectLogs } from "../testing/logs.ts";
import { silentLog } from "../testing/nats.ts";
import { ProbeService, usualHandlers } from "../testing/probe.ts";
import { testStores } from "../testing/stores.ts";
import type { Hosted } from "./host.ts";
import { hostService } from "./host.ts";

const soon = { timeout: 10_000, interval: 10 };
const namespace = randomBytes(6).toString("hex");
const logs = collectLogs();
const running: Hosted[] = [];
let folder: string;
let keyFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-keys-"));
  keyFile = join(folder, "probe.json");
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  await writeFile(keyFile, JSON.stringify(await exportJWK(privateKey)));
});
afterEach(async () => {
  for (const hosted of running.splice(0).reverse()) await hosted.stop();
});
afterAll(() => rm(folder, { recursive: true }));

const host = async (definition: ServiceDefinition, more: Record<string, string> = {}) => {
  const env = {
    WEFT_ENV: "test",
    PORT: "0",
    NATS_URL: testStores().natsUrl,
    WEFT_NAMESPACE: namespace,
    WEFT_ENDPOINTS: "security=http://127.0.0.1:1",
    WEFT_WAIT_FOR_READY: "0s",
    ...more,
  };
  const hosted = await hostService(definition, { env, logs });
  running.push(hosted);
  return hosted;
};

/** Calls nobody, publishes an event, and does jobs. */
const worker = (done: (id: string) => void) =>
  defineService({
    name: "probe",
    contracts: [ProbeService],
    publishes: [UserCreatedSchema],
    setup: () => ({
      rpc: [handlers(ProbeService, usualHandlers)],
      jobs: [job(DeliverEmailSchema, (_, { id }) => done(id))],
    }),
  });

/** A queue with one job, which notes who asks and what became of it. */
function smallQueue(id: string) {
  const callers = new Set<string>();
  const settled: string[] = [];
  let isGiven = false;
  const answers: Handlers<typeof WorkService> = {
    claim: (_, { caller }) => {
      callers.add(caller.service?.name ?? "nobody");
      if (isGiven) return {};
      isGiven = true;
      const payload = toBinary(DeliverEmailSchema, create(DeliverEmailSchema, { notificationId: newId() }));
      return {
        jobs: [{ id, type: DeliverEmailSchema.typeName, payload, attempt: 1, try: 1, maxAttempts: 1 }],
      };
    },
    extend: () => ({}),
    settle: ({ jobs }) => {
      settled.push(...jobs.map(({ held, outcome }) => `${held?.id} ${outcome.case}`));
      return {};
    },
  };
  const definition = defineService({
    name: "queue",
    contracts: [WorkService],
    setup: () => ({ rpc: [handlers(WorkService, answers)] }),
  });
  return { definition, callers, settled };
}

describe("a service that does jobs", () => {
  test("asks the queue for them as itself, though it calls nobody else, and tells what became of them", async () => {
    const PORT = `${await freePort()}`;
    const security = `security=http://127.0.0.1:${PORT}`;
    const issuer = await createTestIssuer();
    await host(issuer.definition, { PORT, WEFT_ENDPOINTS: security });
    const id = newId();
    const queue = smallQueue(id);
    const { port } = await host(queue.definition, { WEFT_ENDPOINTS: security });
    const done: string[] = [];
    const hosted = await host(
      worker((it) => void done.push(it)),
      { WEFT_ENDPOINTS: `${security},queue=http://127.0.0.1:${port}`, WEFT_SERVICE_KEY_FILE: keyFile },
    );
    await vi.waitFor(() => expect(queue.settled).toEqual([`${id} done`]), soon);
    expect(done).toEqual([id]);
    expect([...queue.callers]).toEqual(["probe"]);
    expect((await hosted.health()).dependencies.queue).toMatchObject({ status: "healthy", critical: false });
  });

  test("does not start without a key to prove itself by", async () => {
    const error = await host(
      worker(() => {}),
      { WEFT_SERVICE_KEY_FILE: join(folder, "none.json") },
    ).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(reasonOf(error)).toBe("bad_service_key");
  });

  test("shows the messages of its jobs and events beside its contracts", async () => {
    const nats = await connectNats({
      url: testStores().natsUrl,
      name: "test",
      log: silentLog,
      waitMs: 5000,
      namespace,
    });
    const directory = await openDirectory({ nats, log: silentLog });
    await host(
      worker(() => {}),
      { WEFT_SERVICE_KEY_FILE: keyFile },
    );
    const registry = await vi.waitFor(async () => {
      const [instance] = directory.instances("probe");
      return loadContracts(nats, instance?.contracts ?? "");
    }, soon);
    for (const { typeName } of [DeliverEmailSchema, UserCreatedSchema]) {
      expect(registry.getMessage(typeName)?.typeName).toBe(typeName);
    }
    expect(registry.getService(ProbeService.typeName)).toBeDefined();
    directory.close();
    await nats.close();
  });
});
