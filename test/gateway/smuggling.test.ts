import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Hosted } from "#mesh";
import { kinds } from "#mesh/express/frame.ts";
import { call, fields, openExpress, word } from "#mesh/testing/express.ts";
import gateway from "../../gateway/service.ts";
import type { Arrived, Probe } from "./kit/probe.ts";
import { createProbe } from "./kit/probe.ts";
import { exchangeRaw } from "./kit/raw-http.ts";
import type { SmallPlatform } from "./kit/small-platform.ts";
import { startSmallPlatform } from "./kit/small-platform.ts";

// What a stranger writes into headers has no effect inside the mesh.

let platform: SmallPlatform;
let probe: Probe;
let port: number;
/** A gateway behind a proxy at 127.0.0.1. */
let proxied: Hosted;
let ada: string;
let bob: string;
beforeAll(async () => {
  platform = await startSmallPlatform();
  probe = createProbe();
  await platform.host(probe.definition);
  proxied = await platform.host(gateway, {
    GATEWAY_RATE_LIMITS: "false",
    GATEWAY_TRUSTED_PROXIES: "127.0.0.1",
  });
  port = Number(new URL(platform.url).port);
  ada = await platform.tokenOf("ada");
  bob = await platform.tokenOf("bob", ["Admin"], ["*:*"]);
  for (const at of [port, proxied.port]) {
    const isServed = async () => (await fetch(`http://127.0.0.1:${at}/api/v1/probe/1`)).status === 200;
    await vi.waitUntil(isServed, { timeout: 5000, interval: 20 });
  }
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());
beforeEach(() => {
  probe.arrived.length = 0;
});

type Fields = Readonly<Record<string, string>>;

/** One way to reach the probe; gives the HTTP status. */
type Way = (fields: Fields, at?: number) => Promise<number>;

const viaHttp1 =
  (verb: string, path: string, contentType: string, body: Buffer | string): Way =>
  async (more, at = port) => {
    const lines = Object.entries(more).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = `Content-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
    const head = `${verb} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${verb === "POST" ? length : ""}${lines.join("")}\r\n`;
    return (
      (await exchangeRaw(at, Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]))).statuses[0] ??
      0
    );
  };

const viaHttp2 =
  (method: string, path: string, contentType: string, body: Buffer | string): Way =>
  async (more, at = port) => {
    const session = connectHttp2(`http://127.0.0.1:${at}`);
    try {
      const stream = session.request({
        ":method": method,
        ":path": path,
        "content-type": contentType,
        ...more,
      });
      const answered = once(stream, "response") as Promise<[Record<string, unknown>]>;
      stream.resume().end(body);
      const [headers] = await answered;
      await once(stream, "close");
      return Number(headers[":status"]);
    } finally {
      session.destroy();
    }
  };

const envelope = (message: string) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, Buffer.from(message)]);
};
const rpc = (name: string) => `/probe.v1.ProbeService/${name}`;

const ways: Readonly<Record<string, Way>> = {
  "REST, GET": viaHttp1("GET", "/api/v1/probe/7", "", ""),
  "REST, POST": viaHttp1("POST", "/api/v1/probe", "application/json", "{}"),
  "REST over HTTP/2": viaHttp2("POST", "/api/v1/probe", "application/json", "{}"),
  "REST, streamed": viaHttp1("GET", "/api/v1/probe/7/flow", "", ""),
  Connect: viaHttp1("POST", rpc("Tell"), "application/json", "{}"),
  "Connect, GET": viaHttp1("GET", `${rpc("Show")}?connect=v1&encoding=json&message=%7B%7D`, "", ""),
  "Connect, streamed": viaHttp1("POST", rpc("Flow"), "application/connect+json", envelope("{}")),
  "gRPC-Web": viaHttp1("POST", rpc("Tell"), "application/grpc-web+json", envelope("{}")),
  gRPC: viaHttp2("POST", rpc("Tell"), "application/grpc+json", envelope("{}")),
  "gRPC, streamed": viaHttp2("POST", rpc("Flow"), "application/grpc+json", envelope("{}")),
};
const each = Object.entries(ways);

const mark = "smuggled";
/** Names that mean something in some mesh, ours or another's. */
const smuggled: Fields = {
  "weft-user": mark,
  "weft-fault": "unavailable@100%",
  "weft-anything": mark,
  "x-service-name": mark,
  "x-gateway-service": mark,
  "x-forwarded-for": "203.0.113.66",
  "x-forwarded-user-agent": mark,
  "x-forwarded-host": mark,
  "x-forwarded-user": mark,
  "x-real-ip": "203.0.113.66",
  forwarded: "for=203.0.113.66;by=smuggled",
  baggage: `user=${mark}`,
  cookie: mark,
  "x-user-id": mark,
  "x-user-roles": "Admin",
  "x-envoy-original-path": "/probe.v1.ProbeService/Secret",
  "x-b3-traceid": mark,
  "grpc-previous-rpc-attempts": "5",
  "grpc-tags-bin": "c211Z2dsZWQ=",
  "l5d-dst-override": mark,
};
/** What a service may be told of a request, by what the gateway and the mesh put there. */
const known = new Set([
  "x-forwarded-for",
  "x-forwarded-user-agent",
  "accept-language",
  "idempotency-key",
  "authorization",
  "weft-user",
  "x-request-id",
  "x-correlation-id",
  "x-service-name",
  "traceparent",
  "tracestate",
  "connect-timeout-ms",
  "connect-protocol-version",
  "content-type",
  "content-length",
  "accept",
  "accept-encoding",
  "connect-accept-encoding",
  "connect-content-encoding",
  "user-agent",
  "host",
  "te",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-range",
  "range",
  "last-event-id",
  "grpc-timeout",
  "grpc-accept-encoding",
  "connection",
  "transfer-encoding",
]);

const one = (): Arrived => {
  expect(probe.arrived.length).toBe(1);
  return probe.arrived[0] as Arrived;
};

describe.each(each)("by %s", (_name, way) => {
  test("no header of the mesh goes through", async () => {
    expect(await way(smuggled)).toBe(200);
    const arrived = one();
    expect(JSON.stringify(arrived)).not.toContain(mark);
    expect(Object.keys(arrived.headers).filter((it) => !known.has(it))).toEqual([]);
    expect(arrived.caller).toEqual({ service: { name: "gateway", scopes: [] } });
    expect(arrived.client.address).toBe("127.0.0.1");
  });

  test("where it comes from is what a trusted proxy says, and nobody else", async () => {
    await way({ "x-forwarded-for": "203.0.113.66" });
    await way({ "x-forwarded-for": "203.0.113.66, 198.51.100.7" }, proxied.port);
    await way({ "x-forwarded-for": "127.0.0.1, 203.0.113.66, 127.0.0.1" }, proxied.port);
    await way({ "x-forwarded-for": "no address" }, proxied.port);
    const addresses = probe.arrived.map(({ client }) => client.address);
    expect(addresses).toEqual(["127.0.0.1", "198.51.100.7", "203.0.113.66", "127.0.0.1"]);
  });

  test("a statement about somebody else, shown with one's own token, is not believed", async () => {
    expect(await way({ authorization: `Bearer ${ada}`, "weft-user": bob })).toBe(200);
    expect(one().caller.user?.id).toBe("ada");
    expect(JSON.stringify(one().headers)).not.toContain(bob);
  });

  test("a trace goes on, and whether it is recorded is ours to say; ids are taken over when they are harmless", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await way({ traceparent, "x-request-id": "mine-1", "x-correlation-id": "shared:2" });
    const { traceparent: shown, correlationId } = one();
    expect(shown.split("-")[1]).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(correlationId).toBe("shared:2");
  });

  test.each([
    ["with markup", "<script>"],
    ["with blanks", "a b"],
    ["too long", "a".repeat(129)],
    ["with a quote", 'a","success":"'],
    ["with bytes above ASCII", "caf\u00e9"],
    ["with a tab", "a\tb"],
  ])("an id %s is replaced", async (_what, id) => {
    expect(await way({ "x-request-id": id, "x-correlation-id": id })).toBe(200);
    const { requestId, correlationId } = one();
    expect([requestId, correlationId]).not.toContain(id);
    expect(correlationId).toMatch(/^[\w.:-]{1,128}$/);
  });
});

describe("times", () => {
  const rpcs = each.filter(([name]) => !name.startsWith("REST"));
  test.each(each)("by %s, no caller gets more time than the contract gives", async (name, way) => {
    const timeouts = name.startsWith("g")
      ? { "grpc-timeout": "99999999H" }
      : { "connect-timeout-ms": "9999999999" };
    expect(await way(timeouts)).toBe(200);
    expect(one().leftMs).toBeLessThanOrEqual(20_000);
    expect(one().leftMs).toBeGreaterThan(10_000);
  });

  test.each(each.filter(([name]) => name.startsWith("REST")))(
    "by %s, they are nothing at all",
    async (_name, way) => {
      expect(await way({ "connect-timeout-ms": "1", "grpc-timeout": "1n" })).toBe(200);
      expect(one().leftMs).toBeGreaterThan(10_000);
    },
  );

  test.each(rpcs)("by %s, what is no time is the caller's fault", async (name, way) => {
    const header = name.startsWith("g") ? "grpc-timeout" : "connect-timeout-ms";
    for (const value of ["-1", "1e9", "NaN", "99999999999999999999", "1H1", "", " ", "0x10"]) {
      const status = await way({ [header]: value });
      expect([value, status === 200 || status === 400 || status === 504]).toEqual([value, true]);
    }
  });
});

describe("credentials", () => {
  const twice = (first: string, second: string) =>
    `GET /api/v1/probe/mine HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${first}\r\nAuthorization: ${second}\r\n\r\n`;

  test("shown twice are not taken from the second", async () => {
    const { statuses } = await exchangeRaw(port, twice(`Bearer ${ada}`, `Bearer ${bob}`));
    expect(probe.arrived.map(({ caller }) => caller.user?.id)).not.toContain("bob");
    expect([200, 400, 401]).toContain(statuses[0]);
    await exchangeRaw(port, twice("Basic YTpi", `Bearer ${bob}`));
    expect(probe.arrived.map(({ caller }) => caller.user?.id)).not.toContain("bob");
  });

  test.each([
    (it: string) => `Bearer ${it}, Bearer x`,
    (it: string) => `Bearer x ${it}`,
    (it: string) => `Bearer ${it.slice(0, -2)}`,
    (it: string) => `Bearer ${it.split(".").slice(0, 2).join(".")}.`,
    (it: string) =>
      `Bearer ${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${it.split(".")[1]}.`,
    (it: string) => `Basic ${it}`,
    (it: string) => it,
    () => "Bearer ",
    () => `Bearer ${"a".repeat(9000)}`,
  ])("that are not in order are none (%#)", async (write) => {
    const way = viaHttp1("GET", "/api/v1/probe/mine", "", "");
    expect(await way({ authorization: write(ada) })).toBe(401);
    expect(probe.arrived).toEqual([]);
  });

  test("are not taken from a query or a cookie", async () => {
    for (const path of [
      `/api/v1/probe/mine?access_token=${ada}`,
      `/api/v1/probe/mine?authorization=Bearer%20${ada}`,
    ]) {
      expect(await viaHttp1("GET", path, "", "")({ cookie: `authorization=Bearer ${ada}` })).toBe(401);
    }
  });
});

describe("the express lane at the gateway's port", () => {
  const paths = [
    "/probe.v1.ProbeService/Secret",
    "/probe.v1.ProbeService/Show",
    "/security.v1.TokenService/IssueServiceToken",
    "/gateway.v1.GatewayService/GetStatus",
    "/gateway.v1.GatewayService/ListServices",
    "/grpc.health.v1.Health/Check",
  ];

  test("gives a stranger no more than HTTP does", async () => {
    using express = await openExpress(port);
    const words = paths.map((path, at) => word(at + 1, path));
    const tokens = [word(20, `Bearer ${ada}`), word(21, bob), word(22, `Bearer ${bob}`)];
    const more = fields(
      ["weft-fault", "unavailable@100%"],
      ["x-service-name", "operator"],
      ["x-forwarded-for", "203.0.113.66"],
    );
    const calls = paths.map((_, at) => call({ id: at + 1, method: at + 1, fields: more }));
    const asAda = paths.map((_, at) =>
      call({ id: at + 101, method: at + 1, authorization: 20, statement: 21, fields: more }),
    );
    await express.send(...words, ...tokens, ...calls, ...asAda);
    const kindOf = async (id: number) => {
      const { kind, code } = await express.end(id);
      return kind === kinds.answer ? "ok" : code;
    };
    const [unimplemented, unauthenticated, denied] = [12, 16, 7];
    expect(await Promise.all(paths.map((_, at) => kindOf(at + 1)))).toEqual([
      unimplemented,
      unimplemented,
      unimplemented,
      unauthenticated,
      "ok",
      "ok",
    ]);
    expect(await kindOf(104)).toBe(denied);
    expect(probe.arrived).toEqual([]);
  });
});
