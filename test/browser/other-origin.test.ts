import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import gateway from "../../gateway/service.ts";
import type { Platform } from "../gateway/kit/platform.ts";
import { startPlatform } from "../gateway/kit/platform.ts";
import { inBrowser, openChromium } from "./kit/chromium.ts";
import type { News } from "./kit/news.ts";
import { createNews } from "./kit/news.ts";
import type { Site } from "./kit/site.ts";
import { openSite } from "./kit/site.ts";
import type { Visit } from "./kit/visit.ts";
import { visit } from "./kit/visit.ts";
import type { Protocol } from "./page/app.ts";

const profile = "/api/v1/users/profile";
const protocols: readonly Protocol[] = [
  "Connect with JSON",
  "Connect in binary",
  "Connect with GET",
  "Connect with GET in binary",
  "gRPC-Web in binary",
  "gRPC-Web with JSON",
];

inBrowser("a web page on another origin", () => {
  const started = new AsyncDisposableStack();
  let browser: Browser;
  let platform: Platform;
  let news: News;
  let named: Site;
  let stranger: Site;
  let url: string;
  /** Of a gateway that holds callers to its limits; a machine asks faster than they allow. */
  let limitedUrl: string;
  /** The page that the gateway's config names. */
  let page: Visit;
  let token: string;

  beforeAll(async () => {
    browser = started.adopt(await openChromium(), (it) => it.close());
    named = started.use(await openSite());
    stranger = started.use(await openSite());
    news = createNews();
    const env = { GATEWAY_CORS_ORIGINS: named.origin };
    platform = started.use(await startPlatform({ services: [news.definition], env }));
    url = platform.url;
    const { port } = await platform.host(gateway, { ...env, GATEWAY_RATE_LIMITS: "true" });
    limitedUrl = `http://127.0.0.1:${port}`;
    page = started.use(await visit(browser, named.origin));
    token = await newUser("ada@example.com");
  }, 60_000);
  afterAll(() => started.disposeAsync());

  const newUser = async (email: string): Promise<string> => {
    const body = { email, password: "seven tall palm trees", display_name: "Ada" };
    const answer = await page.run("ask", url, "POST", "/api/v1/auth/register", { body });
    expect(answer.body).toMatchObject({ statusCode: 201 });
    return answer.body.data.session.access_token;
  };

  describe("by fetch", () => {
    test("reads and changes the profile of its user", async () => {
      const read = await page.run("ask", url, "GET", profile, { token });
      expect(read.body.data).toMatchObject({ email: "ada@example.com", profile: { display_name: "Ada" } });
      const changed = await page.run("ask", url, "PATCH", profile, { token, body: { bio: "Counts." } });
      expect([changed.status, changed.body.data.profile]).toEqual([
        200,
        expect.objectContaining({ display_name: "Ada", bio: "Counts." }),
      ]);
    });

    test("reads who answered, and under which id", async () => {
      const headers = { "x-request-id": "page-1", "x-correlation-id": "visit-1" };
      const { headers: read } = await page.run("ask", url, "GET", profile, { token, headers });
      expect(read).toMatchObject({
        "x-request-id": "page-1",
        "x-correlation-id": "visit-1",
        "x-gateway-service": "user",
        traceparent: expect.any(String),
      });
    });

    test("has what it knows already confirmed by its ETag", async () => {
      const { headers } = await page.run("ask", url, "GET", profile, { token });
      expect(headers.etag).toBeTruthy();
      const ifNoneMatch = { "if-none-match": headers.etag ?? "", "cache-control": "no-cache" };
      const again = await page.run("ask", url, "GET", profile, { token, headers: ifNoneMatch });
      expect([again.status, again.body]).toEqual([304, ""]);
    });

    test("reads what is wrong, field by field", async () => {
      const body = { email: "no", password: "short", display_name: "Eve" };
      const { status, body: failure } = await page.run("ask", url, "POST", "/api/v1/auth/register", { body });
      expect([status, failure.reason]).toEqual([422, "contract_violation"]);
      expect(failure.details.map((it: { field: string }) => it.field)).toEqual(["email", "password"]);
    });

    test.each([
      ["without a token", 401, "GET", profile, {}],
      ["where nothing is", 404, "GET", "/api/v1/nothing", {}],
      ["in a way there is none for", 405, "DELETE", "/api/v1/auth/login", {}],
      ["with a body that is no JSON", 415, "POST", "/api/v1/auth/login", { "content-type": "text/plain" }],
    ] as const)("reads why it is refused: %s", async (_why, status, verb, path, headers) => {
      const body = verb === "POST" ? "?" : undefined;
      const answer = await page.run("ask", url, verb, path, { headers, body });
      expect([answer.status, answer.body.statusCode]).toEqual([status, status]);
      expect(answer.headers["x-request-id"]).toBe(answer.body.requestId);
    });

    test("does once what it sends twice with an Idempotency-Key", async () => {
      const sent = {
        headers: { "idempotency-key": "once" },
        body: { email: "bob@example.com", password: "seven tall palm trees", display_name: "Bob" },
      };
      const first = await page.run("ask", url, "POST", "/api/v1/auth/register", sent);
      const second = await page.run("ask", url, "POST", "/api/v1/auth/register", sent);
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.body.data).toEqual(first.body.data);
      expect(second.headers["idempotent-replayed"]).toBe("true");
    });

    test("uploads a file by a form", async () => {
      const { status, body } = await page.run("upload", url, token, "Cat", "cat.png", 300_000);
      expect([status, body.data]).toEqual([
        200,
        { title: "Cat", filename: "cat.png", type: "image/png", bytes: "300000", who: "ada@example.com" },
      ]);
    });
  });

  describe("by connect-web", () => {
    let user: string;
    beforeAll(async () => {
      user = await newUser("eve@example.com");
    });

    test.each(protocols)("calls a service for its user: %s", async (protocol) => {
      const before = page.sent.length;
      const { value, headers } = await page.run("getProfile", url, protocol, user);
      expect(value?.email).toBe("eve@example.com");
      expect(headers["x-request-id"]).toBeTruthy();
      expect(page.sent.slice(before).map(formOf)).toEqual([formsOf[protocol].read]);
    });

    test.each(protocols)("changes something: %s", async (protocol) => {
      const before = page.sent.length;
      const { value } = await page.run("setDisplayName", url, protocol, user, protocol);
      expect(value).toBe(protocol);
      expect(page.sent.slice(before).map(formOf)).toEqual([formsOf[protocol].write]);
    });

    test.each(protocols)("reads why it is refused: %s", async (protocol) => {
      const nobody = await page.run("getProfile", url, protocol, "");
      expect(nobody.code).toBe("Unauthenticated");
      expect(nobody.headers["x-request-id"]).toBeTruthy();
    });

    test.each(protocols)("follows a stream: %s", async (protocol) => {
      const { value, code } = await page.run("follow", url, protocol, user, news.files, 3);
      expect(code).toBeUndefined();
      expect(value?.map(({ text }) => text)).toEqual([1, 2, 3].map((it) => `eve@example.com ${it}`));
      const nobody = await page.run("follow", url, protocol, "", news.files, 3);
      expect(nobody.code).toBe("Unauthenticated");
    });

    test.each(["Connect with JSON", "gRPC-Web in binary"] as const)(
      "reads which fields are wrong: %s",
      async (protocol) => {
        const { code, violated } = await page.run("registerBadly", url, protocol);
        expect(code).toBe("InvalidArgument");
        expect(violated).toEqual(expect.arrayContaining(["email", "password"]));
      },
    );
  });

  describe("within its limits", () => {
    const policy = expect.stringContaining('"second";q=10;w=1');
    const left = expect.stringMatching(/^"[a-z-]+";r=\d+;t=\d+/);

    test("reads what is left of them", async () => {
      const { headers } = await page.run("ask", limitedUrl, "GET", profile, { token });
      expect(headers).toMatchObject({ "ratelimit-policy": policy, ratelimit: left });
    });

    test.each(["Connect with JSON", "gRPC-Web in binary"] as const)(
      "reads what is left of them: %s",
      async (protocol) => {
        const { headers } = await page.run("getProfile", limitedUrl, protocol, token);
        expect(headers).toMatchObject({ "ratelimit-policy": policy, ratelimit: left });
      },
    );

    test("is told when to come back", async () => {
      expect((await page.run("ask", limitedUrl, "GET", "/api/v1/news/rare")).status).toBe(200);
      const { status, headers, body } = await page.run("ask", limitedUrl, "GET", "/api/v1/news/rare");
      expect([status, body.code]).toEqual([429, "resource_exhausted"]);
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    });
  });

  describe("by server-sent events", () => {
    test("follows with an EventSource, which comes back to where it left off", async () => {
      const events = await page.run("listen", url, "/api/v1/news?count=2", 2);
      expect(events.map(({ id, data }) => [id, JSON.parse(data).text])).toEqual(
        ["1", "2", "3", "4"].map((id) => [id, `somebody ${id}`]),
      );
    });

    test("follows by fetch as its user, and is not followed any further once it goes", async () => {
      const { status, body } = await page.run("glance", url, "/api/v1/news/mine", token, 3);
      expect(status).toBe(200);
      expect(body).toContain('data: {"event_id":"3","text":"ada@example.com 3"}');
      await expect.poll(news.followers, { timeout: 5000 }).toBe(0);
    });
  });

  describe("that the gateway does not name", () => {
    let other: Visit;
    beforeAll(async () => {
      other = started.use(await visit(browser, stranger.origin));
    });

    test("reads nothing, and changes nothing", async () => {
      const refused = "TypeError: Failed to fetch";
      const open = await page.run("ask", url, "GET", "/gateway/services");
      expect(open.status).toBe(200);
      expect(await other.run("refusal", url, "GET", "/gateway/services")).toBe(refused);
      expect(await other.run("refusal", url, "GET", profile, { token })).toBe(refused);
      const body = { display_name: "Mallory" };
      expect(await other.run("refusal", url, "PATCH", profile, { token, body })).toBe(refused);
      const { body: after } = await page.run("ask", url, "GET", profile, { token });
      expect(after.data.profile.display_name).toBe("Ada");
    });

    test("calls nothing, and follows nothing", async () => {
      for (const protocol of protocols) {
        expect((await other.run("getProfile", url, protocol, token)).message, protocol).toContain(
          "Failed to fetch",
        );
      }
      await expect(other.run("listen", url, "/api/v1/news?count=1", 1)).rejects.toThrow("gave up");
    });
  });
});

/** How a protocol goes by HTTP: by which verb, and with what as its body. */
interface Form {
  readonly read: string;
  readonly write: string;
}

const json = "POST application/json";
const proto = "POST application/proto";
const grpcWeb = "POST application/grpc-web+proto";
const grpcWebJson = "POST application/grpc-web+json";
const formsOf: Readonly<Record<Protocol, Form>> = {
  "Connect with JSON": { read: json, write: json },
  "Connect in binary": { read: proto, write: proto },
  "Connect with GET": { read: "GET json", write: json },
  "Connect with GET in binary": { read: "GET proto", write: proto },
  "gRPC-Web in binary": { read: grpcWeb, write: grpcWeb },
  "gRPC-Web with JSON": { read: grpcWebJson, write: grpcWebJson },
};

const formOf = ({ verb, url, type }: Visit["sent"][number]): string =>
  `${verb} ${type ?? new URL(url).searchParams.get("encoding")}`;
