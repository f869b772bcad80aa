import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Severity, ThreatKind, ThreatService } from "#gen/security/v1/threats_pb.js";
import { newId } from "#mesh";
import { openDatabase } from "#mesh/db/database.ts";
import { purgeExpired } from "../../services/security/purge.ts";
import { often } from "./kit.ts";
import type { SecurityHost } from "./security-host.ts";
import { asOperator, asService, asUser, refusalOf, securityHost } from "./security-host.ts";

let it: SecurityHost;
beforeAll(async () => {
  it = await securityHost();
});
afterAll(async () => {
  await it[Symbol.asyncDispose]();
});
afterEach(() => {
  vi.useRealTimers();
});

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const later = (ms: number) => vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });

interface Try {
  userId?: string;
  account?: string;
  address?: string;
  succeeded?: boolean;
}
const signIn = ({ userId = "", account = userId || newId(), address = "", succeeded = true }: Try) =>
  it.threats.reportSignIn({ userId, account, succeeded, client: { address } });
const many = async (count: number, work: () => Promise<unknown>) => {
  for (let times = 0; times < count; times++) await work();
};
const operator = () => it.client(ThreatService, asOperator);
const about = async (subject: string) => {
  const { threats } = await operator().listThreats({ pageSize: 500, includeResolved: true });
  return threats.filter((threat) => threat.subject === subject);
};
/** An address that no other test uses. */
let networks = 0;
const newAddress = () => `10.${++networks}.0.1`;

describe("brute force", () => {
  test("is ten failures at one account in a quarter of an hour, and not nine", async () => {
    const userId = newId();
    await many(9, () => signIn({ userId, succeeded: false, address: newAddress() }));
    expect(await about(`user:${userId}`)).toEqual([]);
    await signIn({ userId, succeeded: false, address: newAddress() });
    expect(await about(`user:${userId}`)).toMatchObject([
      { kind: ThreatKind.BRUTE_FORCE, severity: Severity.MEDIUM, occurrences: 1 },
    ]);
  });

  test("counts failures that come all at once", async () => {
    const account = newId();
    await Promise.all(
      Array.from({ length: 12 }, () => signIn({ account, succeeded: false, address: newAddress() })),
    );
    expect(await about(`account:${account}`)).toMatchObject([{ occurrences: 3 }]);
  });

  test("is not failures that are far apart", async () => {
    const userId = newId();
    await many(9, () => signIn({ userId, succeeded: false }));
    later(16 * minuteMs);
    await signIn({ userId, succeeded: false });
    expect(await about(`user:${userId}`)).toEqual([]);
  });

  test("is thirty failures from one address, at whichever accounts", async () => {
    const address = newAddress();
    await many(29, () => signIn({ succeeded: false, address }));
    expect(await about(`address:${address}`)).toEqual([]);
    await signIn({ succeeded: false, address });
    expect(await about(`address:${address}`)).toMatchObject([{ kind: ThreatKind.BRUTE_FORCE }]);
  });

  test("is severe when a success follows", async () => {
    const userId = newId();
    await many(10, () => signIn({ userId, succeeded: false }));
    await signIn({ userId });
    expect(await about(`user:${userId}`)).toMatchObject([
      {
        kind: ThreatKind.BRUTE_FORCE,
        severity: Severity.HIGH,
        occurrences: 2,
        description: expect.stringContaining("succeeded"),
      },
    ]);
  });
});

describe("an unusual place", () => {
  test("is a network in which a known user was never seen", async () => {
    const userId = newId();
    await many(3, () => signIn({ userId, address: "198.51.100.7" }));
    await signIn({ userId, address: "198.51.3.4" });
    expect(await about(`user:${userId}`)).toEqual([]);
    await signIn({ userId, address: "203.0.113.9" });
    expect(await about(`user:${userId}`)).toMatchObject([
      { kind: ThreatKind.UNUSUAL_PLACE, severity: Severity.MEDIUM },
    ]);
  });

  test("is nothing to somebody who was seen but twice", async () => {
    const userId = newId();
    await many(2, () => signIn({ userId, address: "198.51.100.7" }));
    await signIn({ userId, address: "203.0.113.9" });
    expect(await about(`user:${userId}`)).toEqual([]);
  });
});

test("an unusual hour is one more than two hours from all at which the user was seen", async () => {
  const userId = newId();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2030-05-01T22:30:00Z") });
  await many(10, () => signIn({ userId }));
  vi.setSystemTime(Date.parse("2030-05-02T00:59:00Z"));
  await signIn({ userId });
  expect(await about(`user:${userId}`)).toEqual([]);
  vi.setSystemTime(Date.parse("2030-05-02T12:00:00Z"));
  await signIn({ userId });
  expect(await about(`user:${userId}`)).toMatchObject([
    { kind: ThreatKind.UNUSUAL_HOUR, severity: Severity.LOW },
  ]);
});

describe("running into limits", () => {
  const hit = (identity: string, hits: number) =>
    it
      .client(ThreatService, asService("gateway"))
      .reportLimitHit({ identity, hits, method: "order.v1.OrderService/CreateOrder" });

  test("a hundred times in ten minutes is abuse", async () => {
    const identity = `user:${newId()}`;
    await hit(identity, 60);
    later(5 * minuteMs);
    await hit(identity, 39);
    expect(await about(identity)).toEqual([]);
    await hit(identity, 1);
    expect(await about(identity)).toMatchObject([
      { kind: ThreatKind.LIMIT_ABUSE, severity: Severity.MEDIUM },
    ]);
  });

  test("now and then is none", async () => {
    const identity = `user:${newId()}`;
    await hit(identity, 90);
    later(11 * minuteMs);
    await hit(identity, 90);
    expect(await about(identity)).toEqual([]);
  });
});

describe("a threat", () => {
  const attack = async (userId: string) => {
    await many(10, () => signIn({ userId, succeeded: false }));
  };

  test("that is seen again within the hour is the same one, and later another", async () => {
    const userId = newId();
    await attack(userId);
    later(50 * minuteMs);
    await attack(userId);
    expect(await about(`user:${userId}`)).toMatchObject([{ occurrences: 2 }]);
    later(61 * minuteMs);
    await attack(userId);
    expect(await about(`user:${userId}`)).toMatchObject([{ occurrences: 1 }, { occurrences: 2 }]);
  });

  test("is in the audit record once, however often it is seen", async () => {
    const userId = newId();
    await attack(userId);
    await attack(userId);
    const { entries } = await it.audit.listAudit({ actor: `user:${userId}` });
    expect(entries).toMatchObject([
      { action: "threat.raise", details: { kind: "brute_force", severity: "medium" } },
    ]);
  });

  test("that is dealt with is not listed any more unless asked for, and is a new one when seen again", async () => {
    const [userId, admin] = [newId(), newId()];
    await attack(userId);
    const [threat] = await about(`user:${userId}`);
    const resolve = (resolution: string) =>
      it
        .client(ThreatService, asUser(admin, ["security:admin"]))
        .resolveThreat({ id: threat?.id ?? "", resolution });
    expect((await resolve("password reset")).threat).toMatchObject({ resolution: "password reset" });
    expect((await resolve("something else")).threat).toMatchObject({ resolution: "password reset" });
    const { threats } = await operator().listThreats({ pageSize: 500 });
    expect(threats.some(({ id }) => id === threat?.id)).toBe(false);
    const { entries } = await it.audit.listAudit({
      resource: `threat/${threat?.id}`,
      action: "threat.resolve",
    });
    expect(entries).toMatchObject([{ actor: `user:${admin}` }]);
    await attack(userId);
    expect(await about(`user:${userId}`)).toHaveLength(2);
  });

  test("that there is none of cannot be dealt with", async () => {
    expect(await refusalOf(operator().resolveThreat({ id: newId() }))).toBe("threat_not_found");
  });
});

describe("the list of threats", () => {
  test("is newest first, page by page, and narrowed by kind and severity", async () => {
    await using own = await securityHost();
    const list = own.client(ThreatService, asOperator);
    for (let at = 0; at < 5; at++) {
      const identity = `user:${at}`;
      await own.client(ThreatService, asService("gateway")).reportLimitHit({ identity, hits: 100 });
    }
    const userId = newId();
    for (let times = 0; times < 11; times++) {
      await own.threats.reportSignIn({ userId, account: "a", succeeded: times === 10 });
    }
    const subjects: string[] = [];
    let pageToken = "";
    do {
      const page = await list.listThreats({ pageSize: 2, pageToken });
      subjects.push(...page.threats.map(({ subject }) => subject));
      pageToken = page.nextPageToken;
    } while (pageToken);
    expect(subjects).toEqual([`user:${userId}`, "user:4", "user:3", "user:2", "user:1", "user:0"]);
    const kinds = await list.listThreats({ kind: ThreatKind.BRUTE_FORCE });
    expect(kinds.threats.map(({ subject }) => subject)).toEqual([`user:${userId}`]);
    expect((await list.listThreats({ minSeverity: Severity.HIGH })).threats).toHaveLength(1);
    expect((await list.listThreats({ minSeverity: Severity.LOW })).threats).toHaveLength(6);
    expect(await refusalOf(list.listThreats({ pageToken: Buffer.from('["x"]').toString("base64url") }))).toBe(
      "bad_page_token",
    );
  });

  test("is for those with security:read, and sign-ins are told by the user service", async () => {
    await expect(it.client(ThreatService, asUser(newId(), ["user:read"])).listThreats({})).rejects.toThrow(
      /security:read/,
    );
    await it.client(ThreatService, asUser(newId(), ["security:read"])).listThreats({});
    await expect(
      it.client(ThreatService, asService("order")).reportSignIn({ account: "x" }),
    ).rejects.toThrow();
  });
});

test("the history of sign-ins is bounded, and forgotten in time", async () => {
  const userId = newId();
  await often(210, () => signIn({ userId }));
  const count = async () => (await it.sql`select 1 from sign_ins where user_id = ${userId}`).length;
  expect(await count()).toBe(200);
  const db = openDatabase({
    url: it.host.databaseUrl("security"),
    applicationName: "test",
    maxConnections: 1,
  });
  await purgeExpired(db.sql, Date.now() + 89 * 24 * hourMs);
  expect(await count()).toBe(200);
  await purgeExpired(db.sql, Date.now() + 91 * 24 * hourMs);
  expect(await count()).toBe(0);
  await db.close();
});
