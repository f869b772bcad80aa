import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import type { ServiceDefinition } from "#mesh";
import { defineService, fail, handlers } from "#mesh";
import { testServices } from "../../gateway/contracts/testing/test-file.ts";
import { serveGateway } from "./kit/gateway-process.ts";
import { learnedService } from "./kit/learned.ts";
import type { Answer, Asking } from "./kit/platform.ts";
import { ask } from "./kit/platform.ts";
import type { SmallPlatform, SmallPlatformOptions } from "./kit/small-platform.ts";
import { isServed, startSmallPlatform } from "./kit/small-platform.ts";

const file = {
  process: "shop",
  package: "shop.v1",
  services: {
    ShopService: {
      Look: { http: { get: "/api/v1/shop" }, idempotency: "NO_SIDE_EFFECTS" },
      Buy: { http: { post: "/api/v1/shop", body: "*" } },
      Mine: { http: { get: "/api/v1/shop/mine" }, options: { access: { signed_in: true } } },
    },
  },
} as const;
const shop = learnedService(file, {});

/** The contract is the real one; nobody's password is looked at. */
const doors: ServiceDefinition = defineService({
  name: "user",
  contracts: [AuthService],
  setup: () => {
    const no = () => {
      throw fail.unauthenticated("bad_credentials", "address or password is wrong");
    };
    const all = AuthService.methods.map(({ localName }) => [localName, no]);
    return { rpc: [handlers(AuthService, { ...Object.fromEntries(all), register: () => ({}) })] };
  },
});

interface Mine {
  mine(request: object, options: object): Promise<unknown>;
}

const limited = { GATEWAY_RATE_LIMITS: "true" };
const start = async ({ env, ...options }: SmallPlatformOptions = {}) => {
  const platform = await startSmallPlatform({ ...options, env: { ...limited, ...env } });
  await platform.host(shop);
  await platform.host(doors);
  const paths = ["/api/v1/shop", "/api/v1/auth/login"];
  await Promise.all(platform.urls.flatMap((url) => paths.map((path) => isServed(url, path))));
  return platform;
};

const times = <T>(count: number, make: (at: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, at) => make(at)));
const admitted = (answers: readonly Answer[]) => answers.filter(({ status }) => status !== 429).length;
const look = (url: string, asking: Asking = {}, path = "/api/v1/shop") => ask(url, "GET", path, asking);
const from = (forwarded: string): Asking => ({ headers: { "x-forwarded-for": forwarded } });

let people = 0;

/**
 * Expects of somebody new that so many of a burst are admitted, give or take
 * 5 %. Too many are never forgiven. Too few may be those of a busy machine, on
 * which gateways decide without having heard of each other: then another tries.
 */
async function admits(
  platform: SmallPlatform,
  roles: readonly string[],
  limit: number,
  burst: (token: string) => Promise<Answer[]>,
): Promise<Answer[]> {
  for (let tries = 1; ; tries++) {
    const token = await platform.tokenOf(`person-${people++}`, roles);
    const fromMs = performance.now();
    const answers = await burst(token);
    const total = admitted(answers);
    // Within the second that the limit is about.
    const inTime = performance.now() - fromMs < 900;
    if (inTime) expect(total).toBeLessThanOrEqual(limit * 1.05);
    if (inTime && total >= limit * 0.95) return answers;
    expect(tries, `${total} of ${limit} were admitted`).toBeLessThan(6);
    await sleep(200 * tries);
  }
}

describe("one gateway, behind a proxy that it trusts", () => {
  let platform: SmallPlatform;
  let url: string;
  beforeAll(async () => {
    platform = await start({ env: { GATEWAY_TRUSTED_PROXIES: "127.0.0.1" } });
    url = platform.url;
  }, 60_000);
  afterAll(() => platform?.[Symbol.asyncDispose]());

  // These wait for time to pass, each for somebody of its own.
  test.concurrent("ten requests a second, and every answer says how many are left", async () => {
    const token = await platform.tokenOf("headers");
    const first = await look(url, { token });
    expect(first.headers.get("ratelimit-policy")).toBe(
      '"second";q=10;w=1, "ten-seconds";q=100;w=10, "minute";q=1000;w=60',
    );
    expect(first.headers.get("ratelimit")).toBe('"second";r=9;t=1');
    expect(first.headers.get("retry-after")).toBeNull();
    const rest = await times(14, () => look(url, { token }));
    expect(admitted(rest)).toBe(9);
    const refused = rest.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({
      success: false,
      statusCode: 429,
      code: "resource_exhausted",
      reason: "rate_limited",
    });
    expect(refused?.headers.get("retry-after")).toBe("1");
    expect(refused?.headers.get("ratelimit")).toBe('"second";r=0;t=1');
    expect(refused?.headers.get("ratelimit-policy")).toBe(first.headers.get("ratelimit-policy"));
    await sleep(1100);
    expect((await look(url, { token })).status).toBe(200);
  });

  test.concurrent("accounts are made ten times a minute from one address, by whichever way", async () => {
    const asking = { body: { email: "a@example.com", password: "seven tall palms", display_name: "A" } };
    const register = (path: string) => ask(url, "POST", path, { ...asking, ...from("192.0.2.20") });
    const first = await times(10, (at) =>
      register(at % 2 ? "/api/v1/auth/register" : "/api/v1/users/register"),
    );
    expect(first.map(({ status }) => status)).toEqual(Array(10).fill(201));
    expect(first[0]?.headers.get("ratelimit-policy")).toContain('"Register";q=10;w=60');
    await sleep(1100);
    const next = await register("/api/v1/auth/register");
    expect(next.status).toBe(429);
    expect(Number(next.headers.get("retry-after"))).toBeGreaterThan(50);
    const auth = createClient(AuthService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
    const { headers } = from("192.0.2.20");
    const request = { email: "a@example.com", password: "seven tall palms", displayName: "A" };
    const refused = await auth.register(request, { headers: headers ?? {} }).catch(ConnectError.from);
    expect(refused).toMatchObject({ code: Code.ResourceExhausted });
    expect((await look(url, from("192.0.2.20"))).status).toBe(200);
  });

  test.concurrent("passwords are tried twenty times a minute from one address", async () => {
    const login = () =>
      ask(url, "POST", "/api/v1/auth/login", {
        body: { email: "a@example.com", password: "seven tall palms" },
        ...from("192.0.2.30"),
      });
    const statuses: number[] = [];
    for (let second = 0; second < 3; second++) {
      if (second > 0) await sleep(1050);
      const answers = await times(8, login);
      statuses.push(...answers.map(({ status }) => status));
    }
    expect(statuses.filter((it) => it === 401)).toHaveLength(20);
    expect(statuses.filter((it) => it === 429)).toHaveLength(4);
  });

  test("who signs in is counted as that user, wherever the requests come from", async () => {
    const [ada, ben] = await Promise.all([platform.tokenOf("ada"), platform.tokenOf("ben")]);
    const [adas, bens, strangers] = await Promise.all([
      times(15, (at) => look(url, { token: ada, ...from(`198.51.100.${at}`) })),
      times(10, () => look(url, { token: ben, ...from("198.51.100.99") })),
      times(15, () => look(url, from("198.51.100.99"))),
    ]);
    expect([admitted(adas), admitted(bens), admitted(strangers)]).toEqual([10, 10, 10]);
  });

  test("a stranger is an address, and what it makes up before the proxy's word does not help", async () => {
    const honest = await times(15, () => look(url, from("203.0.113.7")));
    const spoofed = await times(15, (at) => look(url, from(`10.9.8.${at}, 203.0.113.8`)));
    const noise = await times(15, (at) => look(url, from(`${at}.x, , 203.0.113.9`)));
    const home = await times(15, (at) => look(url, from(`2001:db8:7:7::${at + 1}`)));
    expect([honest, spoofed, noise, home].map(admitted)).toEqual([10, 10, 10, 10]);
  });

  test("a token that is no good is counted by address, so guessing is slowed too", async () => {
    const path = "/api/v1/shop/mine";
    const guess = () => look(url, { token: "not.a.token", ...from("192.0.2.7") }, path);
    const guesses = await times(15, guess);
    expect(guesses.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(guesses.filter(({ status }) => status === 429)).toHaveLength(5);
    const token = await platform.tokenOf("beside");
    expect((await look(url, { token, ...from("192.0.2.7") }, path)).status).toBe(200);
  });

  test("so it is by RPC, where who has no token at all is counted too", async () => {
    const [contract] = testServices(file);
    if (!contract) throw new Error("there is no contract");
    for (const [last, token, transport] of [
      [8, "not.a.token", createConnectTransport({ baseUrl: url, httpVersion: "1.1" })],
      [9, "", createGrpcTransport({ baseUrl: url })],
    ] as const) {
      const asking = from(`192.0.2.${last}`);
      const headers = { ...asking.headers, ...(token && { authorization: `Bearer ${token}` }) };
      const client = createClient(contract, transport) as unknown as Mine;
      const guess = () => client.mine({}, { headers }).catch((error) => ConnectError.from(error).code);
      const codes = await times(15, guess);
      expect(codes.filter((code) => code === Code.Unauthenticated)).toHaveLength(10);
      expect(codes.filter((code) => code === Code.ResourceExhausted)).toHaveLength(5);
      // By either door.
      expect((await look(url, asking)).status).toBe(429);
      const known = { authorization: `Bearer ${await platform.tokenOf(`guest-${last}`)}` };
      expect(await client.mine({}, { headers: { ...asking.headers, ...known } })).toMatchObject({
        text: "mine",
      });
    }
  });

  test("Admin and Developer may do ten times as much", async () => {
    for (const role of ["Admin", "Developer"]) {
      const burst = (token: string) => times(115, () => look(url, { token }));
      const answers = await admits(platform, [role, "Customer"], 100, burst);
      expect(answers[0]?.headers.get("ratelimit-policy")).toContain('"second";q=100;w=1');
    }
  });

  test("RPC and REST are counted together, and a refused RPC says when to come back", async () => {
    const token = await platform.tokenOf("both");
    const headers = { authorization: `Bearer ${token}` };
    const [contract] = testServices(file);
    if (!contract) throw new Error("there is no contract");
    const clients = [
      createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
      createGrpcTransport({ baseUrl: url }),
    ].map(
      (it) => createClient(contract, it) as unknown as { look: (it: object, o: object) => Promise<unknown> },
    );
    const call = (at: number) =>
      clients[at % 2]?.look({}, { headers }).then(
        () => undefined,
        (error) => ConnectError.from(error),
      ) ?? Promise.resolve(undefined);
    const [answers, calls] = await Promise.all([times(6, () => look(url, { token })), times(10, call)]);
    const refused = calls.filter((it) => it !== undefined);
    expect(admitted(answers) + calls.length - refused.length).toBe(10);
    const last = await call(0);
    for (const error of [last, await call(1)]) {
      expect(error?.code).toBe(Code.ResourceExhausted);
      expect(error?.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
      expect(error?.metadata.get("ratelimit")).toBe('"second";r=0;t=1');
    }
  });

  test("a flood of one user costs another nothing", async () => {
    const [flooder, quiet] = await Promise.all([platform.tokenOf("flood"), platform.tokenOf("quiet")]);
    const flood = times(300, () => look(url, { token: flooder }));
    const served = await times(8, () => look(url, { token: quiet }));
    expect(served.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(admitted(await flood)).toBeLessThanOrEqual(40);
  });
});

test("without a trusted proxy, what a client says of where it comes from is nothing", async () => {
  await using platform = await start();
  const answers = await times(15, (at) => look(platform.url, from(`198.51.100.${at}`)));
  expect(admitted(answers)).toBe(10);
});

/** Both gateways know of each other. */
async function agree(platform: SmallPlatform, urls: readonly string[], count: number) {
  const token = await platform.tokenOf("watcher", ["Admin"], ["gateway:read"]);
  for (const url of urls) {
    const replicas = async () => (await look(url, { token }, "/gateway/status")).body.data?.replicas;
    await vi.waitFor(async () => expect(await replicas()).toBe(count), { timeout: 8000, interval: 200 });
  }
}

describe("two gateways", () => {
  let platform: SmallPlatform;
  beforeAll(async () => {
    platform = await start({ gateways: 2 });
    await agree(platform, platform.urls, 2);
  }, 60_000);
  afterAll(() => platform?.[Symbol.asyncDispose]());
  const gatewayOf = (at: number) => platform.urls[at % 2] ?? "";

  test.each([
    ["a user", "Customer", 10, [15, 15]],
    ["a user who comes to one of them", "Customer", 10, [25, 0]],
    ["a developer", "Developer", 100, [70, 70]],
    ["a developer who is mostly at one", "Developer", 100, [10, 120]],
  ] as const)(
    "%s's burst is admitted up to the limit, give or take 5 %%",
    async (_who, role, limit, counts) => {
      const burst = (token: string) =>
        Promise.all(
          counts.flatMap((count, at) => Array.from({ length: count }, () => look(gatewayOf(at), { token }))),
        );
      await admits(platform, [role], limit, burst);
    },
  );

  test("a steady flood gets ten a second in all, in turn, at one of them, at both at once", async () => {
    const patterns: readonly ((at: number) => readonly number[])[] = [(at) => [at], () => [0], () => [0, 1]];
    const seconds = 3;
    const flood = async (gateways: (at: number) => readonly number[]): Promise<number> => {
      const token = await platform.tokenOf(`person-${people++}`);
      const answers: Promise<Answer>[] = [];
      // Short of the moment when the next ten would be free.
      const endMs = performance.now() + seconds * 1000 - 350;
      for (let at = 0; performance.now() < endMs; at++) {
        for (const one of gateways(at)) answers.push(look(gatewayOf(one), { token }));
        await sleep(30);
      }
      const total = admitted(await Promise.all(answers));
      expect(total).toBeLessThanOrEqual(seconds * 10 * 1.05);
      return total;
    };
    const least = seconds * 10 * 0.95;
    const checked = async (pattern: (at: number) => readonly number[]) => {
      // As above: too few may be a busy machine's.
      const total = await flood(pattern);
      expect(total < least ? await flood(pattern) : total).toBeGreaterThanOrEqual(least);
    };
    await Promise.all(patterns.map(checked));
  });

  test("a stranger's address is one at both", async () => {
    const answers = await times(30, (at) => look(gatewayOf(at)));
    expect(admitted(answers)).toBeLessThanOrEqual(10);
    // As above: fewer may be a busy machine's.
    expect(admitted(answers)).toBeGreaterThanOrEqual(5);
  });
});

test("with NATS away each gateway holds to the limit alone; when it is back, both do together", async () => {
  await using platform = await start({ gateways: 2 });
  const { urls, nats } = platform;
  await agree(platform, urls, 2);
  const burst = (token: string) => Promise.all(urls.map((url) => times(15, () => look(url, { token }))));
  await nats.crash();
  await agree(platform, urls, 1);
  const alone = await burst(await platform.tokenOf("alone"));
  expect(alone.map(admitted)).toEqual([10, 10]);
  await nats.restart();
  await agree(platform, urls, 2);
  await admits(platform, [], 10, async (token) => (await burst(token)).flat());
});

test("two processes of `weft serve gateway` keep one limit", async () => {
  await using platform = await start();
  const serve = async () => (await serveGateway(platform, limited)).url;
  const urls = await Promise.all([serve(), serve()]);
  // The gateway of this process is the third.
  await agree(platform, urls, 3);
  const all = [platform.url, ...urls];
  await admits(platform, [], 10, (token) => times(40, (at) => look(all[at % 3] ?? "", { token })));
}, 40_000);
