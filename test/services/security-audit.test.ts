import { setTimeout as sleep } from "node:timers/promises";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { AuditService, Outcome } from "#gen/security/v1/audit_pb.js";
import { connectNats, newId } from "#mesh";
import { hostInMemory } from "#mesh/testing/host.ts";
import { testStores } from "#mesh/testing/stores.ts";
import security from "../../services/security/service.ts";
import { often } from "./kit.ts";
import type { SecurityHost } from "./security-host.ts";
import {
  asOperator,
  asService,
  asUser,
  eventually,
  quiet,
  refusalOf,
  securityHost,
} from "./security-host.ts";

const record = (it: SecurityHost, service: string, parts: Record<string, unknown> = {}) =>
  it.client(AuditService, asService(service)).recordAudit({
    actor: "user:1",
    action: "order.create",
    resource: "order/1",
    outcome: Outcome.ALLOWED,
    ...parts,
  });
const verify = (it: SecurityHost) => it.audit.verifyAudit({});

/** The head of the record as NATS holds it. */
async function anchoredSequence(it: SecurityHost): Promise<number> {
  const nats = await connectNats({
    url: testStores().natsUrl,
    name: "test",
    log: quiet,
    waitMs: 5000,
    namespace: it.host.namespace,
  });
  try {
    const [row] = await it.sql`select id from audit_record`;
    const entry = await (await nats.bucket("security_audit", { history: 5 })).get(`head.${row?.id}`);
    return entry ? Number(entry.json<{ sequence: string }>().sequence) : 0;
  } finally {
    await nats.close();
  }
}
const anchored = (it: SecurityHost, sequence: number) =>
  eventually(async () => (await anchoredSequence(it)) >= sequence);

/** What somebody with all rights in the database can do. */
const tamper = (it: SecurityHost, work: () => Promise<unknown>) =>
  (async () => {
    await it.sql`alter table audit_entries disable trigger all`;
    await work();
    await it.sql`alter table audit_entries enable trigger all`;
  })();

describe("the audit record", () => {
  let it: SecurityHost;
  beforeAll(async () => {
    it = await securityHost();
  });
  afterAll(async () => {
    await it[Symbol.asyncDispose]();
  });

  test("says which service told it, and takes nobody else's word", async () => {
    const { sequence } = await record(it, "order", { details: { total: "12.50" } });
    const { entries } = await it.audit.listAudit({ action: "order.create" });
    expect(entries[0]).toMatchObject({
      sequence,
      service: "order",
      actor: "user:1",
      resource: "order/1",
      outcome: Outcome.ALLOWED,
      details: { total: "12.50" },
      requestId: expect.stringMatching(/.+/),
    });
    await expect(
      it.client(AuditService, asUser(newId(), ["*:*"])).recordAudit({ actor: "x", action: "y", outcome: 1 }),
    ).rejects.toThrow();
    await expect(
      it.client(AuditService).recordAudit({ actor: "x", action: "y", outcome: 1 }),
    ).rejects.toThrow();
  });

  test("numbers its entries without gaps, whoever writes at once", async () => {
    const before = (await verify(it)).checked;
    const numbers = await Promise.all(
      Array.from(
        { length: 30 },
        async (_, at) => (await record(it, "order", { resource: `order/${at}` })).sequence,
      ),
    );
    expect(numbers.sort((a, b) => Number(a - b))).toEqual(
      Array.from({ length: 30 }, (_, at) => before + BigInt(at + 1)),
    );
    expect(await verify(it)).toMatchObject({ intact: true, checked: before + 30n });
  });

  test("holds no secrets, wherever they were put", async () => {
    const jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    const refreshToken = `wr_${"a".repeat(43)}`;
    await record(it, "webhook", {
      action: "webhook.receive",
      resource: `call/${jwt}`,
      details: {
        password: "hunter2",
        api_key: "k-123",
        note: `sent Bearer abcdefgh12345678 and ${refreshToken}`,
        url: "postgres://weft:sesame@db/weft",
        pem: "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----",
        author: "ada",
      },
    });
    const { entries } = await it.audit.listAudit({ action: "webhook.receive" });
    const text = JSON.stringify({ ...entries[0], sequence: "", time: "" });
    for (const secret of [jwt, "hunter2", "k-123", "abcdefgh12345678", refreshToken, "sesame", "MC4CAQ"]) {
      expect(text).not.toContain(secret);
    }
    expect(entries[0]?.details).toMatchObject({ password: "[redacted]", author: "ada" });
  });

  test("holds any text, also such as databases refuse", async () => {
    const odd = "nul \0, quote ', emoji 🦊";
    await record(it, "order", { action: "odd.text", actor: odd, resource: odd, details: { [odd]: odd } });
    expect((await it.audit.listAudit({ actor: odd })).entries).toHaveLength(1);
    expect((await verify(it)).intact).toBe(true);
  });

  test("is read by those with security:read", async () => {
    const as = (...permissions: string[]) => it.client(AuditService, asUser(newId(), permissions));
    await expect(as("security:write").listAudit({})).rejects.toThrow(/security:read/);
    await as("security:read").listAudit({});
    await as("security:read").verifyAudit({});
  });

  test("cannot be changed, emptied or shortened by a statement", async () => {
    await record(it, "order");
    for (const statement of [
      it.sql`update audit_entries set actor = 'nobody'`,
      it.sql`delete from audit_entries`,
      it.sql`truncate audit_entries`,
      it.sql`update audit_record set id = gen_random_uuid()`,
    ]) {
      await expect(statement).rejects.toThrow(/only grows/);
    }
  });
});

describe("a list of entries", () => {
  let it: SecurityHost;
  const times: number[] = [];
  beforeAll(async () => {
    it = await securityHost();
    for (const [actor, action, resource, outcome] of [
      ["user:a", "user.login", "user/a", Outcome.ALLOWED],
      ["user:b", "user.login", "user/b", Outcome.DENIED],
      ["user:a", "user.login.again", "user/a", Outcome.FAILED],
      ["user:a", "users.list", "users", Outcome.ALLOWED],
      ["user:b", "order.create", "order/1", Outcome.ALLOWED],
    ] as const) {
      times.push(Date.now() + times.length * 60_000);
      vi.useFakeTimers({ toFake: ["Date"], now: times.at(-1) ?? 0 });
      await record(it, "user", { actor, action, resource, outcome });
      vi.useRealTimers();
    }
  });
  afterAll(async () => {
    await it[Symbol.asyncDispose]();
  });

  const listed = async (filter: Parameters<SecurityHost["audit"]["listAudit"]>[0]) =>
    (await it.audit.listAudit(filter)).entries
      .filter(({ service }) => service === "user")
      .map(({ action }) => action);

  test("is newest first, page by page, and no entry is lost or shown twice", async () => {
    const seen: bigint[] = [];
    let pageToken = "";
    do {
      const page = await it.audit.listAudit({ pageSize: 2, pageToken });
      expect(page.entries.length).toBeLessThanOrEqual(2);
      seen.push(...page.entries.map(({ sequence }) => sequence));
      pageToken = page.nextPageToken;
      // What comes in meanwhile belongs before the first page.
      await record(it, "order");
    } while (pageToken);
    expect(seen).toEqual(Array.from(seen, (_, at) => (seen[0] ?? 0n) - BigInt(at)));
    expect(seen.at(-1)).toBe(1n);
  });

  test("is narrowed by actor, action, resource, outcome and time", async () => {
    expect(await listed({ actor: "user:b" })).toEqual(["order.create", "user.login"]);
    expect(await listed({ action: "user.login" })).toEqual(["user.login", "user.login"]);
    expect(await listed({ action: "user." })).toEqual(["user.login.again", "user.login", "user.login"]);
    expect(await listed({ resource: "user/a" })).toEqual(["user.login.again", "user.login"]);
    expect(await listed({ outcome: Outcome.DENIED })).toEqual(["user.login"]);
    const [from, until] = [timestampFromMs(times[1] ?? 0), timestampFromMs(times[3] ?? 0)];
    expect(await listed({ from, until })).toEqual(["user.login.again", "user.login"]);
    expect(await listed({ actor: "user:a", action: "user.login", outcome: Outcome.ALLOWED })).toEqual([
      "user.login",
    ]);
  });

  test("wants tokens and times that make sense", async () => {
    const badToken = Buffer.from('["1; drop"]').toString("base64url");
    for (const pageToken of ["x", badToken]) {
      expect(await refusalOf(it.audit.listAudit({ pageToken }))).toBe("bad_page_token");
    }
    expect(await refusalOf(it.audit.listAudit({ from: { seconds: 10n ** 15n, nanos: 0 } }))).toBe("bad_time");
  });
});

describe("verification finds", () => {
  const filled = async () => {
    const it = await securityHost();
    let last = 0;
    for (let at = 0; at < 8; at++)
      last = Number((await record(it, "order", { resource: `order/${at}` })).sequence);
    await anchored(it, last);
    expect(await verify(it)).toMatchObject({ intact: true, reason: "" });
    return { it, last };
  };

  test.each([
    ["an actor", "actor = 'user:2'"],
    ["a time", "time = time + interval '1 ms'"],
    ["an outcome", "outcome = 2"],
    ["a detail", `details = '{"a":"b"}'`],
    ["a seal", "seal = '\\x00'"],
  ])("%s that was changed", async (_what, change) => {
    const { it, last } = await filled();
    await using _ = it;
    await tamper(it, () => it.sql.unsafe(`update audit_entries set ${change} where sequence = ${last - 3}`));
    expect(await verify(it)).toMatchObject({
      intact: false,
      brokenAt: BigInt(last - 3),
      reason: `entry ${last - 3} was changed`,
    });
  });

  test("an entry that was taken out, also when the others close ranks", async () => {
    const { it, last } = await filled();
    await using _ = it;
    await tamper(it, () => it.sql`delete from audit_entries where sequence = ${last - 2}`);
    expect(await verify(it)).toMatchObject({
      brokenAt: BigInt(last - 2),
      reason: `entry ${last - 2} is missing`,
    });
    await tamper(it, async () => {
      for (const sequence of [last - 1, last]) {
        await it.sql`update audit_entries set sequence = ${sequence - 1} where sequence = ${sequence}`;
      }
    });
    expect(await verify(it)).toMatchObject({ intact: false, brokenAt: BigInt(last - 2) });
  });

  test("a tail that was cut off, also after a restart", async () => {
    const { it, last } = await filled();
    await using _ = it;
    await tamper(it, () => it.sql`delete from audit_entries where sequence > ${last - 2}`);
    const broken = { intact: false, brokenAt: BigInt(last - 1), reason: expect.stringContaining("cut off") };
    expect(await verify(it)).toMatchObject(broken);
    await using replica = await hostInMemory([security], {
      env: { ...it.env, ...it.host.sameStores("security") },
    });
    expect(await replica.client(AuditService, { caller: asOperator }).verifyAudit({})).toMatchObject(broken);
  });

  test("a tail that was cut off and has grown again past where it was", async () => {
    const { it, last } = await filled();
    await using _ = it;
    await tamper(it, () => it.sql`delete from audit_entries where sequence > ${last - 2}`);
    for (let at = 0; at < 6; at++) await record(it, "order");
    expect(await verify(it)).toMatchObject({
      intact: false,
      brokenAt: BigInt(last),
      reason: expect.stringContaining("cut off"),
    });
    expect(await anchoredSequence(it)).toBe(last);
  });

  test("the same when an instance that never saw the tail writes on", async () => {
    const { it, last } = await filled();
    await using _ = it;
    await tamper(it, () => it.sql`delete from audit_entries where sequence > ${last - 2}`);
    await using replica = await hostInMemory([security], {
      env: { ...it.env, ...it.host.sameStores("security") },
    });
    const order = replica.client(AuditService, { caller: asService("order") });
    for (let at = 0; at < 6; at++) {
      await order.recordAudit({ actor: "user:1", action: "order.create", outcome: Outcome.ALLOWED });
      // Time for it to move the anchor, which it must not.
      await sleep(50);
    }
    expect(await anchoredSequence(it)).toBe(last);
    const verdict = await replica.client(AuditService, { caller: asOperator }).verifyAudit({});
    expect(verdict).toMatchObject({ intact: false, brokenAt: BigInt(last) });
  });

  test("that the whole record is gone", async () => {
    const { it } = await filled();
    await using _ = it;
    await tamper(it, () => it.sql`delete from audit_entries`);
    expect(await verify(it)).toMatchObject({ intact: false, brokenAt: 1n });
  });

  test("nothing wrong with a long record, which it reads in parts", async () => {
    await using it = await securityHost();
    await often(1100, () => record(it, "order"));
    expect(await verify(it)).toMatchObject({
      intact: true,
      checked: expect.toSatisfy((count: bigint) => count >= 1100n),
    });
  });
});
