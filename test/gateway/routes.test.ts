import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Platform } from "./kit/platform.ts";
import { ask, register, startPlatform } from "./kit/platform.ts";

let platform: Platform;
let url: string;
beforeAll(async () => {
  platform = await startPlatform({ env: { GATEWAY_CORS_ORIGINS: "https://shop.example.com" } });
  url = platform.url;
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

describe("a frontend", () => {
  test("registers, reads and changes its profile, and signs out everywhere within a second", async () => {
    const registered = await register(url, "ada@example.com");
    expect([registered.status, registered.body.success, registered.body.statusCode]).toEqual([
      201,
      true,
      201,
    ]);
    const token = registered.body.data.session.access_token as string;
    const profile = await ask(url, "GET", "/api/v1/users/profile", { token });
    expect(profile.body.data).toMatchObject({
      email: "ada@example.com",
      profile: { display_name: "Ada", bio: "" },
    });
    const changed = await ask(url, "PATCH", "/api/v1/users/profile", { token, body: { bio: "Counts." } });
    expect(changed.body.data.profile).toMatchObject({ display_name: "Ada", bio: "Counts." });
    const validated = await ask(url, "POST", "/api/v1/auth/validate", { token, body: {} });
    expect(validated.body.data).toMatchObject({ email: "ada@example.com", roles: ["Customer"] });
    const out = await ask(url, "POST", "/api/v1/auth/logout", { token, body: {} });
    expect(out.status).toBe(200);
    const profileStatus = async () => (await ask(url, "GET", "/api/v1/users/profile", { token })).status;
    await expect.poll(profileStatus, { timeout: 1000, interval: 100 }).toBe(401);
  });

  test("makes a team, and sees only its own", async () => {
    const [ama, ben] = await Promise.all([tokenOf("ama@example.com"), tokenOf("ben@example.com")]);
    const made = await ask(url, "POST", "/api/v1/teams", { token: ama, body: { name: "Harbour" } });
    expect([made.status, made.body.data.name]).toEqual([201, "Harbour"]);
    const list = await ask(url, "GET", "/api/v1/teams?page_size=5", { token: ama });
    expect(list.body.data.teams.map((it: { name: string }) => it.name)).toEqual(["Harbour"]);
    const other = await ask(url, "GET", `/api/v1/teams/${made.body.data.id}`, { token: ben });
    expect(other.status).toBe(404);
  });
});

describe("every answer", () => {
  test("carries ids: those of the caller where it sent some", async () => {
    const own = await ask(url, "GET", "/gateway/services", {
      headers: { "x-request-id": "r-1", "x-correlation-id": "c-1" },
    });
    expect([own.headers.get("x-request-id"), own.headers.get("x-correlation-id")]).toEqual(["r-1", "c-1"]);
    expect(own.body.requestId).toBe("r-1");
    const made = await ask(url, "GET", "/nothing");
    expect(made.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("tells who answered, and lets nothing in it run", async () => {
    const { headers } = await ask(url, "GET", "/gateway/services");
    expect(headers.get("x-gateway-service")).toBe("gateway");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });
});

describe("what goes wrong is told", () => {
  test("a rule of the contract: 422 with field, rule and message", async () => {
    const { status, body } = await ask(url, "POST", "/api/v1/auth/register", {
      body: { email: "no", password: "short", display_name: "" },
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({ success: false, statusCode: 422, code: "invalid_argument" });
    const fields = body.details.map((it: { field: string; rule: string }) => [it.field, it.rule]);
    expect(fields).toContainEqual(["email", "string.email"]);
    expect(fields).toContainEqual(["password", "string.min_len"]);
  });

  test.each([
    ["an unknown query parameter", "GET", "/api/v1/teams?pagesize=5", undefined, 400, "pagesize"],
    [
      "a query parameter that is no number",
      "GET",
      "/api/v1/teams?page_size=0x10",
      undefined,
      400,
      "page_size",
    ],
    ["an unknown field", "POST", "/api/v1/auth/login", { email: "a@b.c", passwort: "x" }, 400, "passwort"],
    ["a duplicate key", "POST", "/api/v1/auth/login", '{"email":"a","email":"b"}', 400, "email"],
    ["broken JSON", "POST", "/api/v1/auth/login", '{"email":', 400, ""],
    ["bad percent-encoding", "GET", "/api/v1/teams/%zz", undefined, 400, ""],
  ] as const)("%s: 400", async (_what, verb, path, body, status, names) => {
    const token = await tokenOf("cleo@example.com");
    const answer = await ask(url, verb, path, { token, ...(body !== undefined && { body }) });
    expect([answer.status, answer.body.success]).toEqual([status, false]);
    expect(answer.body.error).toContain(names);
  });

  test("no credentials: 401 with how to show some; not enough: 403", async () => {
    const none = await ask(url, "GET", "/api/v1/users/profile");
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="weft"']);
    const forged = await ask(url, "GET", "/api/v1/users/profile", { token: "eyJ.forged.token" });
    expect(forged.status).toBe(401);
    const token = await tokenOf("dora@example.com");
    expect((await ask(url, "GET", "/api/v1/users", { token })).status).toBe(403);
  });

  test("a path that is not there: 404; a verb that it has not: 405 with those it has", async () => {
    const none = await ask(url, "GET", "/api/v1/nowhere");
    expect([none.status, none.body.code]).toEqual([404, "not_found"]);
    const verb = await ask(url, "DELETE", "/api/v1/auth/login");
    expect([verb.status, verb.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    const options = await ask(url, "OPTIONS", "/api/v1/teams");
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, POST, OPTIONS"]);
  });

  test("another content type than JSON: 415", async () => {
    const answer = await ask(url, "POST", "/api/v1/auth/login", {
      body: "email=a",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(answer.status).toBe(415);
  });

  test("a body that is too large: 413", async () => {
    const body = JSON.stringify({ email: "x".repeat(1_100_000) });
    expect((await ask(url, "POST", "/api/v1/auth/login", { body })).status).toBe(413);
  });
});

describe("versions", () => {
  test("an unversioned path is v1, or what the header says", async () => {
    const token = await tokenOf("eve@example.com");
    expect((await ask(url, "GET", "/api/teams", { token })).status).toBe(200);
    const named = await ask(url, "GET", "/api/teams", { token, headers: { "api-version": "v1" } });
    expect(named.status).toBe(200);
  });

  test.each([
    ["/api/teams", { "api-version": "v7" }],
    ["/api/v7/teams", {}],
  ])("one that is not there is 400: %s %j", async (path, headers) => {
    const answer = await ask(url, "GET", path, { headers: headers as Record<string, string> });
    expect([answer.status, answer.body.error]).toEqual([
      400,
      expect.stringContaining("Unsupported API version"),
    ]);
  });
});

describe("HTTP", () => {
  test("HEAD is GET without its body", async () => {
    const answer = await fetch(`${url}/gateway/services`, { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(Number(answer.headers.get("content-length"))).toBeGreaterThan(100);
    expect(await answer.text()).toBe("");
  });

  test("a client that has the data is told so", async () => {
    const token = await tokenOf("finn@example.com");
    const first = await ask(url, "GET", "/api/v1/users/profile", { token });
    const etag = first.headers.get("etag") ?? "";
    const second = await ask(url, "GET", "/api/v1/users/profile", {
      token,
      headers: { "if-none-match": etag },
    });
    expect([second.status, second.body]).toEqual([304, ""]);
    await ask(url, "PATCH", "/api/v1/users/profile", { token, body: { bio: "new" } });
    const third = await ask(url, "GET", "/api/v1/users/profile", {
      token,
      headers: { "if-none-match": etag },
    });
    expect(third.status).toBe(200);
  });

  test("large answers are packed for those who take that", async () => {
    const raw = await rawGet(`${url}/gateway/services`, { "accept-encoding": "gzip, br;q=0.1" });
    expect(raw.headers["content-encoding"]).toBe("gzip");
    expect(JSON.parse(gunzipSync(raw.body).toString()).success).toBe(true);
    const plain = await rawGet(`${url}/gateway/services`, { "accept-encoding": "identity" });
    expect(plain.headers["content-encoding"]).toBeUndefined();
  });
});

describe("web pages of other origins", () => {
  const origin = "https://shop.example.com";
  test("may ask when they are allowed to", async () => {
    const preflight = await ask(url, "OPTIONS", "/api/v1/users/profile", {
      headers: {
        origin,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization, content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
    const answer = await ask(url, "GET", "/api/v1/users/profile", { headers: { origin } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    expect(answer.headers.get("access-control-expose-headers")).toContain("x-request-id");
    const rpc = await ask(url, "OPTIONS", "/user.v1.UserService/GetProfile", {
      headers: { origin, "access-control-request-method": "POST" },
    });
    expect(rpc.headers.get("access-control-allow-origin")).toBe(origin);
  });

  test("and are told nothing when they are not", async () => {
    for (const path of ["/api/v1/users/profile", "/user.v1.UserService/GetProfile"]) {
      const headers = { origin: "https://evil.example", "access-control-request-method": "POST" };
      const answer = await ask(url, "OPTIONS", path, { headers });
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("the gateway itself", () => {
  test("leads a browser to what there is", async () => {
    const answer = await fetch(url, { redirect: "manual" });
    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/api/docs"]);
    expect((await ask(url, "GET", "/api/docs")).headers.get("content-type")).toContain("text/html");
  });

  test("lists services and their routes, internal methods aside", async () => {
    const { body } = await ask(url, "GET", "/gateway/services");
    const services = body.data.services as {
      name: string;
      status: string;
      routes: { method: string; path: string }[];
    }[];
    expect(services.map(({ name, status }) => [name, status])).toEqual([
      ["gateway", "available"],
      ["security", "available"],
      ["user", "available"],
    ]);
    const methods = services.flatMap(({ routes }) => routes).map(({ method }) => method);
    expect(methods).toContain("user.v1.AuthService/Login");
    expect(methods).not.toContain("security.v1.TokenService/OpenSession");
  });

  test("publishes the issuer's keys as every JWT library reads them", async () => {
    const { status, body } = await ask(url, "GET", "/.well-known/jwks.json");
    expect([status, body.keys[0]]).toEqual([200, expect.objectContaining({ kty: "OKP", crv: "Ed25519" })]);
  });

  test("shows its health with that of all services", async () => {
    const health = async () => {
      const { status, body } = await ask(url, "GET", "/health");
      return [status, body.service, body.status, body.dependencies];
    };
    const dependencies = { nats: "healthy", revocations: "healthy", security: "healthy", user: "healthy" };
    // Security began before the user service, which it calls, was there.
    await expect.poll(health, { timeout: 5000 }).toEqual([200, "gateway", "healthy", dependencies]);
  });

  test("shows metrics to operators on this machine, not to who comes by a proxy", async () => {
    expect((await ask(url, "GET", "/metrics")).status).toBe(200);
    const headers = { "x-forwarded-for": "203.0.113.9" };
    expect((await ask(url, "GET", "/metrics", { headers })).status).toBe(401);
    expect((await ask(url, "GET", "/health/detailed", { headers })).status).toBe(401);
    expect((await ask(url, "GET", "/gateway/status")).status).toBe(401);
  });
});

const tokens = new Map<string, Promise<string>>();
/** Signed in once, however often it is asked for. */
function tokenOf(email: string): Promise<string> {
  const made = tokens.get(email) ?? register(url, email).then(({ body }) => body.data.session.access_token);
  tokens.set(email, made);
  return made;
}

function rawGet(address: string, headers: Record<string, string>) {
  return new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    request(address, { headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
    })
      .once("error", reject)
      .end();
  });
}
