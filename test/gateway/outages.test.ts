import { request as http1 } from "node:http";
import { connect as http2 } from "node:http2";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test, vi } from "vitest";
import type { TestMethod } from "../../gateway/contracts/testing/test-file.ts";
import { testServices } from "../../gateway/contracts/testing/test-file.ts";
import { announce, openBackend, scriptedContract } from "./kit/backend.ts";
import { learnedService } from "./kit/learned.ts";
import { ask } from "./kit/platform.ts";
import { isServed, startSmallPlatform } from "./kit/small-platform.ts";

const soon = { timeout: 5000, interval: 20 };
const get = (path: string): TestMethod => ({ http: { get: path }, idempotency: "NO_SIDE_EFFECTS" });
const file = (process: string, methods: Record<string, TestMethod>) => ({
  process,
  package: `${process}.v1`,
  services: { [`${process}Service`]: methods },
});
const signedIn: TestMethod = { ...get("/api/v1/mine"), options: { access: { signed_in: true } } };

test("with NATS away, what is known is served on; when it is back, so is what came meanwhile", async () => {
  await using platform = await startSmallPlatform();
  const { url, nats } = platform;
  const stood = file("stood", { Ask: get("/api/v1/stood"), Mine: signedIn });
  await platform.host(learnedService(stood, {}));
  const statusOf = async (path: string, token = "") =>
    (await ask(url, "GET", path, token ? { token } : {})).status;
  await expect.poll(() => statusOf("/api/v1/stood"), soon).toBe(200);
  await nats.crash();
  const away = async () => (await ask(url, "GET", "/gateway/services")).status;
  for (let at = 0; at < 30; at++) {
    expect(await statusOf("/api/v1/stood")).toBe(200);
    // Someone the gateway and the issuer have never seen before.
    expect(await statusOf("/api/v1/mine", await platform.tokenOf(`new-${at}`))).toBe(200);
  }
  expect(await away()).toBe(200);
  expect(await statusOf("/health/live")).toBe(200);
  await nats.restart({ empty: true });
  await platform.host(learnedService(file("newcomer", { Ask: get("/api/v1/newcomer") }), {}));
  await expect.poll(() => statusOf("/api/v1/newcomer"), { timeout: 10_000, interval: 50 }).toBe(200);
  expect(await statusOf("/api/v1/stood")).toBe(200);
});

test("with the issuer away, users it has vouched for go on, others are told 503, and nobody else notices", async () => {
  await using platform = await startSmallPlatform({ env: { WEFT_WAIT_FOR_READY: "300ms" } });
  const { url } = platform;
  await platform.host(learnedService(file("open", { Ask: get("/api/v1/open"), Mine: signedIn }), {}));
  const [known, fresh, reader] = await Promise.all([
    platform.tokenOf("known"),
    platform.tokenOf("fresh"),
    platform.tokenOf("reader", [], ["gateway:read"]),
  ]);
  const asked = (path: string, token: string) => ask(url, "GET", path, { token });
  await expect.poll(async () => (await asked("/api/v1/mine", known)).status, soon).toBe(200);
  await platform.security.stop();
  for (let at = 0; at < 20; at++) expect((await asked("/api/v1/mine", known)).status).toBe(200);
  expect((await ask(url, "GET", "/api/v1/open")).status).toBe(200);
  // Verified by the key that is known, though the issuer never saw it in use.
  expect((await asked("/gateway/status", reader)).status).toBe(200);
  expect((await asked("/gateway/status", fresh)).status).toBe(403);

  const refused = await asked("/api/v1/mine", fresh);
  expect([refused.status, refused.body.code]).toEqual([503, "unavailable"]);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(JSON.stringify(refused.body)).not.toMatch(/127\.0\.0\.1|ECONN|:\d{4}/);
  expect((await asked("/api/v1/mine", "not.a.token")).status).toBe(401);
});

test("an issuer that goes before anybody has signed in leaves what is public, and is not the user's fault", async () => {
  await using platform = await startSmallPlatform({ env: { WEFT_WAIT_FOR_READY: "300ms" } });
  const { url } = platform;
  await platform.host(learnedService(file("lonely", { Ask: get("/api/v1/lonely"), Mine: signedIn }), {}));
  await expect.poll(async () => (await ask(url, "GET", "/api/v1/lonely")).status, soon).toBe(200);
  await platform.security.stop();
  const token = await platform.tokenOf("ada");
  const refused = await ask(url, "GET", "/api/v1/mine", { token });
  expect([refused.status, refused.body.reason]).toEqual([503, "issuer_unavailable"]);
  expect((await ask(url, "GET", "/api/v1/lonely", { token })).status).toBe(200);
  expect((await ask(url, "GET", "/api/v1/mine")).status).toBe(401);
});

test("a client that hangs up ends the call at the service, by REST and by RPC", async () => {
  await using platform = await startSmallPlatform();
  const { url } = platform;
  let begun = 0;
  const ended: string[] = [];
  const waiting = file("waiting", {
    Wait: { http: { get: "/api/v1/wait/{id}" } },
    Send: { http: { post: "/api/v1/wait/{id}", body: "*" } },
    Pour: { stream: "out" },
  });
  const untilGone = async ({ id }: Record<string, unknown>, call: { signal: AbortSignal }) => {
    begun++;
    await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    ended.push(String(id));
    return {};
  };
  await platform.host(
    learnedService(waiting, {
      wait: untilGone,
      send: untilGone,
      async *pour(request, call) {
        await untilGone(request, call);
        yield {};
      },
    }),
  );
  // The same over a socket.
  const remote = await openBackend(platform, {});
  await announce(platform, scriptedContract("remote"), "remote", remote);
  for (const path of ["/api/v1/wait/1", "/api/v1/remote/1"]) await isServed(url, path);

  const [contract] = testServices(waiting);
  if (!contract) throw new Error("there is no contract");
  const transports = {
    connect: createConnectTransport({ baseUrl: url, httpVersion: "1.1" }),
    grpc: createGrpcTransport({ baseUrl: url }),
  };
  const calling = (name: "connect" | "grpc", method: "wait" | "pour") => () => {
    const gone = new AbortController();
    const client = createClient(contract, transports[name]) as unknown as Record<string, Waiting>;
    const answers = client[method]?.({ id: `${name} ${method}` }, { signal: gone.signal });
    const ending = async () => {
      if (answers && Symbol.asyncIterator in answers) for await (const _ of answers);
      else await answers;
    };
    ending().catch(() => {});
    return () => gone.abort();
  };
  const byHttp1 = (method: string, path: string) => () => {
    const asked = http1(`${url}${path}`, { method, headers: { "content-type": "application/json" } });
    asked.on("error", () => {});
    asked.end(method === "POST" ? "{}" : undefined);
    return () => asked.destroy();
  };
  const byHttp2 = () => {
    const session = http2(url);
    session.on("error", () => {});
    const stream = session.request({ ":path": "/api/v1/wait/http2" });
    stream.on("error", () => {});
    return () => {
      stream.close(8);
      session.close();
    };
  };
  const clients: Record<string, () => () => void> = {
    "http1 get": byHttp1("GET", "/api/v1/wait/http1%20get"),
    "http1 post": byHttp1("POST", "/api/v1/wait/http1%20post"),
    http2: byHttp2,
    "connect wait": calling("connect", "wait"),
    "grpc wait": calling("grpc", "wait"),
    "connect pour": calling("connect", "pour"),
    "grpc pour": calling("grpc", "pour"),
  };
  for (const [name, ask] of Object.entries(clients)) {
    const before = begun;
    const hangUp = ask();
    await vi.waitFor(() => expect(begun).toBe(before + 1), soon);
    expect(ended).not.toContain(name);
    hangUp();
    await vi.waitFor(() => expect(ended, name).toContain(name), soon);
  }

  const hangUp = byHttp1("POST", "/api/v1/remote/1")();
  await vi.waitFor(() => expect(remote.calls).toBe(1), soon);
  hangUp();
  await vi.waitFor(() => expect(remote.cancels).toBe(1), soon);
});

type Waiting = (
  request: object,
  options: { signal: AbortSignal },
) => Promise<unknown> | AsyncIterable<unknown>;
