import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Platform } from "./kit/platform.ts";
import { ask, register, startPlatform } from "./kit/platform.ts";
import { exchangeRaw } from "./kit/raw-http.ts";

// What the OWASP API Security Top 10 asks of the edge as a whole, beside who may call what.

let platform: Platform;
let url: string;
let port: number;
let token: string;
beforeAll(async () => {
  platform = await startPlatform({ env: { GATEWAY_CORS_ORIGINS: "https://shop.example.com" } });
  url = platform.url;
  port = Number(new URL(url).port);
  token = (await register(url, "ada@example.com")).body.data.session.access_token;
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const statusOf = async (path: string, init: RequestInit = {}) => {
  const answer = await fetch(`${url}${path}`, init);
  await answer.arrayBuffer();
  return answer.status;
};

describe("mass assignment", () => {
  test.each([
    [
      "POST",
      "/api/v1/auth/register",
      { email: "m@example.com", password: "seven tall palm trees", display_name: "M", roles: ["Admin"] },
      "roles",
    ],
    [
      "POST",
      "/api/v1/auth/register",
      { email: "m@example.com", password: "seven tall palm trees", display_name: "M", isAdmin: true },
      "isAdmin",
    ],
    ["PATCH", "/api/v1/users/profile", { bio: "x", email: "other@example.com" }, "email"],
    ["PATCH", "/api/v1/users/profile", { bio: "x", id: "019aa0b6-7a5c-7000-8000-000000000000" }, "id"],
    ["PUT", "/api/v1/users/profile?id=019aa0b6-7a5c-7000-8000-000000000000", { display_name: "x" }, "id"],
    ["POST", "/api/v1/teams", { name: "x", owner_id: "019aa0b6-7a5c-7000-8000-000000000000" }, "owner_id"],
    ["POST", "/api/v1/teams", { name: "x", constructor: 1 }, "constructor"],
    ["POST", "/api/v1/teams", '{"name":"x","__proto__":{"owner_id":"y"}}', "__proto__"],
  ])("%s %s with what is not to be set: 400 that names it", async (verb, path, body, names) => {
    const answer = await ask(url, verb, path, { token, body });
    expect([answer.status, answer.body.error]).toEqual([400, expect.stringContaining(names)]);
  });

  test("a role that is not to be chosen is refused by rule", async () => {
    const body = {
      email: "m@example.com",
      password: "seven tall palm trees",
      display_name: "M",
      role: "Admin",
    };
    expect((await ask(url, "POST", "/api/v1/auth/register", { body })).status).toBe(422);
  });

  test("by JSON of RPC, what is not in the contract has no effect", async () => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const body = JSON.stringify({
      name: "x",
      owner_id: "019aa0b6-7a5c-7000-8000-000000000000",
      ownerId: "z",
    });
    const answer = await fetch(`${url}/user.v1.TeamService/CreateTeam`, { method: "POST", headers, body });
    const { team } = (await answer.json()) as { team: { ownerId: string } };
    const profile = await ask(url, "GET", "/api/v1/users/profile", { token });
    expect(team.ownerId).toBe(profile.body.data.id);
  });
});

test("whom a resource belongs to is not believed of who asks, by any protocol", async () => {
  const { body } = await ask(url, "GET", "/api/v1/users/profile", { token });
  const id = body.data.id as string;
  const team = await ask(url, "POST", "/api/v1/teams", { token, body: { name: "Crew" } });
  const request = {
    user_id: id,
    permission: "content:delete",
    resource: { type: "post", id: "1", owner_id: id, team_id: team.body.data.id },
  };
  const rest = await ask(url, "POST", "/api/v1/security/permissions", { token, body: request });
  expect([rest.status, rest.body.data.allowed]).toEqual([200, false]);
  const rpc = await ask(url, "POST", "/security.v1.PermissionService/CheckPermission", {
    token,
    body: request,
  });
  expect([rpc.status, rpc.body.allowed ?? false]).toEqual([200, false]);
});

describe("resources are bounded", () => {
  const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
  test.each([
    ["a page that is too large", "GET", "/api/v1/teams?page_size=501", undefined, 422],
    ["a page of less than nothing", "GET", "/api/v1/teams?page_size=-1", undefined, 422],
    ["a page beyond int32", "GET", "/api/v1/teams?page_size=4294967297", undefined, 400],
    ["a page token that is nobody's", "GET", "/api/v1/teams?page_token=AAAA", undefined, 400],
    ["a page token that is too long", "GET", `/api/v1/teams?page_token=${"a".repeat(501)}`, undefined, 422],
    ["arrays in arrays", "POST", "/api/v1/teams", `{"name":${deep("[", "]", 100_000)}}`, 400],
    ["objects in objects", "POST", "/api/v1/teams", deep('{"name":', "}", 50_000).replace("}", "1}"), 400],
    ["many query parameters", "GET", `/api/v1/teams?${"a=1&".repeat(2000)}`, undefined, 400],
    ["the same parameter often", "GET", `/api/v1/teams?${"page_size=1&".repeat(500)}`, undefined, 400],
    ["a path with many segments", "GET", `/api/v1${"/a".repeat(1000)}`, undefined, 414],
    ["a path that is too long", "GET", `/api/v1/teams/${"a".repeat(9000)}`, undefined, 414],
    ["a number with many digits", "GET", `/api/v1/teams?page_size=${"9".repeat(4000)}`, undefined, 400],
    ["a body that is too large", "POST", "/api/v1/teams", `{"name":"${"a".repeat(1_100_000)}"}`, 413],
    [
      "many keys",
      "POST",
      "/api/v1/teams",
      `{${Array.from({ length: 50_000 }, (_, i) => `"k${i}":1`).join()}}`,
      400,
    ],
  ] as const)("%s is refused", async (_what, verb, path, body, status) => {
    const answer = await ask(url, verb, path, { token, ...(body !== undefined && { body }) });
    expect([answer.status, answer.body.success]).toEqual([status, false]);
    expect(JSON.stringify(answer.body).length).toBeLessThan(2000);
  });

  test.each([
    ["headers that are too large", `X-A: ${"a".repeat(17_000)}\r\n`],
    ["too many headers", "X-A: 1\r\n".repeat(200)],
    ["a request line that is too long", undefined],
  ])("%s: 431 or 414, and the connection's end", async (_what, more) => {
    const path = more === undefined ? `/api/v1/teams?page_token=${"a".repeat(20_000)}` : "/api/v1/teams";
    const { statuses } = await exchangeRaw(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${more ?? ""}\r\n`);
    expect(statuses.length).toBe(1);
    expect([414, 431]).toContain(statuses[0]);
  });

  test("a body that is small only while it is packed: 413", async () => {
    const text = Buffer.from(`{"name":"${"a".repeat(50_000_000)}"}`);
    for (const [coding, body] of [
      ["gzip", gzipSync(text)],
      ["br", brotliCompressSync(text)],
    ] as const) {
      const headers = {
        "content-type": "application/json",
        "content-encoding": coding,
        authorization: `Bearer ${token}`,
      };
      expect(await statusOf("/api/v1/teams", { method: "POST", headers, body: new Uint8Array(body) })).toBe(
        413,
      );
    }
    const headers = {
      "content-type": "application/proto",
      "content-encoding": "gzip",
      authorization: `Bearer ${token}`,
    };
    const rpc = await statusOf("/user.v1.TeamService/CreateTeam", {
      method: "POST",
      headers,
      body: new Uint8Array(gzipSync(text)),
    });
    expect(rpc).toBe(429);
  }, 30_000);
});

describe("configuration", () => {
  const everywhere = [
    ["GET", "/"],
    ["GET", "/api/docs"],
    ["GET", "/openapi.json"],
    ["GET", "/health"],
    ["GET", "/metrics"],
    ["GET", "/gateway/services"],
    ["GET", "/.well-known/jwks.json"],
    ["GET", "/api/v1/users/profile"],
    ["DELETE", "/api/v1/auth/login"],
    ["OPTIONS", "/api/v1/auth/login"],
    ["TRACE", "/api/v1/auth/login"],
    ["POST", "/user.v1.UserService/GetProfile"],
    ["POST", "/user.v1.UserService/Nothing"],
    ["GET", "/gateway.v1.GatewayService/ListServices?connect=v1&encoding=json&message=%7B%7D"],
    ["POST", "/gateway.v1.GatewayService/ListServices"],
  ] as const;
  test.each(everywhere)("%s %s has the headers that keep browsers from harm", async (verb, path) => {
    const body = verb === "POST" ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" : "\r\n";
    const { headers } = await exchangeRaw(
      port,
      `${verb} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${body}`,
    );
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'|default-src 'self'/);
    expect(headers["x-frame-options"]).toBe("DENY");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    for (const name of ["server", "x-powered-by", "via", "set-cookie"])
      expect(headers).not.toHaveProperty(name);
  });

  test("TRACE gives nothing back of what was sent", async () => {
    const { text } = await exchangeRaw(
      port,
      "TRACE /gateway/services HTTP/1.1\r\nHost: a\r\nX-Secret: s3cret\r\nConnection: close\r\n\r\n",
    );
    expect(text).not.toContain("s3cret");
  });

  test.each([
    "null",
    "https://shop.example.com.evil.example",
    "https://evil-shop.example.com",
    "https://shop.example.com:8443",
    "http://shop.example.com",
    "https://shop.example.com/",
    "https://SHOP.example.com",
    "https://shop.example.com, https://evil.example",
    "https://shopxexample.com",
    "*",
    "",
  ])("a page of %j may not read answers, by any protocol", async (origin) => {
    for (const path of ["/api/v1/users/profile", "/user.v1.UserService/GetProfile", "/nowhere"]) {
      for (const verb of ["GET", "POST", "OPTIONS"]) {
        const preflight = verb === "OPTIONS" ? "Access-Control-Request-Method: POST\r\n" : "";
        const { headers } = await exchangeRaw(
          port,
          `${verb} ${path} HTTP/1.1\r\nHost: a\r\nOrigin: ${origin}\r\n${preflight}Content-Length: 0\r\nConnection: close\r\n\r\n`,
        );
        const told = Object.keys(headers).filter((it) => it.startsWith("access-control-"));
        expect(told).toEqual([]);
      }
    }
  });

  test("no page is ever let in with cookies", async () => {
    for (const verb of ["GET", "POST", "OPTIONS"]) {
      const headers = { origin: "https://shop.example.com", "access-control-request-method": "POST" };
      const answer = await fetch(`${url}/api/v1/users/profile`, { method: verb, headers });
      await answer.arrayBuffer();
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  test("the host that a request names changes nothing", async () => {
    for (const host of ["security", "127.0.0.1:1", "evil.example", "localhost:8008", "a@b", "[::1]:80"]) {
      const { statuses, text } = await exchangeRaw(
        port,
        `GET /gateway/services HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n`,
      );
      expect(statuses).toEqual([200]);
      expect(text).not.toContain("evil.example");
    }
  });
});
