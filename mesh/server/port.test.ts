import { once } from "node:events";
import { connect } from "node:net";
import { pino } from "pino";
import { expect, test } from "vitest";
import { serverLimits } from "../bounds/limits.ts";
import { WeftError } from "../errors.ts";
import { nobody } from "../rpc/authenticate.ts";
import { createRpc } from "../rpc/rpc.ts";
import { silentTelemetry } from "../testing/telemetry.ts";
import type { RouteAnswer } from "./node.ts";
import type { Port } from "./port.ts";
import { openPort } from "./port.ts";

const log = pino({ level: "silent" });
const rpc = createRpc({
  implementations: [],
  policies: new Map(),
  authenticate: () => nobody,
  telemetry: silentTelemetry("probe"),
  log,
  stopping: new AbortController().signal,
});
const text = (body: string): RouteAnswer => ({ status: 200, contentType: "text/plain", body });

async function withPort(
  routes: Record<string, () => Promise<RouteAnswer>>,
  use: (port: Port, url: string) => Promise<void>,
): Promise<void> {
  const port = await openPort({
    host: "127.0.0.1",
    port: 0,
    rpc,
    routes: new Map(Object.entries(routes)),
    log,
    limits: { ...serverLimits, headersMs: 200 },
  });
  try {
    await use(port, `http://127.0.0.1:${port.port}`);
  } finally {
    await port.drain(100);
  }
}

test("a plain route is answered, and never kept by those on the way", async () => {
  await withPort({ "/here": async () => text("found") }, async (_port, url) => {
    const answer = await fetch(`${url}/here?with=query`);
    expect(await answer.text()).toBe("found");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

test("HEAD is answered as GET without the body", async () => {
  await withPort({ "/here": async () => text("found") }, async (_port, url) => {
    const answer = await fetch(`${url}/here`, { method: "HEAD" });
    expect(answer.headers.get("content-length")).toBe("5");
    expect(await answer.text()).toBe("");
  });
});

test("a route that fails is answered with 500 and no word about why", async () => {
  const fails = async () => {
    throw new Error("secret");
  };
  await withPort({ "/fails": fails }, async (_port, url) => {
    const answer = await fetch(`${url}/fails`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).toBe("");
  });
});

test("an unknown path is answered in the protocol of the question", async () => {
  await withPort({}, async (_port, url) => {
    const plain = await fetch(`${url}/nothing`);
    expect(plain.status).toBe(404);
    expect(await plain.json()).toMatchObject({ code: "unimplemented" });
    for (const contentType of ["application/grpc", "application/grpc-web+proto"]) {
      const headers = { "content-type": contentType };
      const answer = await fetch(`${url}/nothing`, { method: "POST", headers, body: "" });
      expect(answer.status).toBe(200);
      expect(answer.headers.get("grpc-status")).toBe("12");
    }
  });
});

test("connections are counted while they are open, and none are left after draining", async () => {
  await withPort({}, async (port) => {
    const socket = connect(port.port, "127.0.0.1");
    await once(socket, "connect");
    await expect.poll(() => port.connections()).toBe(1);
    await port.drain(1000);
    await expect.poll(() => port.connections()).toBe(0);
    socket.destroy();
  });
});

test("a port that is taken is an error that says what to do", async () => {
  await withPort({}, async (port) => {
    const options = { host: "127.0.0.1", port: port.port, rpc, routes: new Map(), log };
    const error = await openPort(options).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(WeftError);
    expect((error as WeftError).reason).toBe("port_taken");
    expect((error as WeftError).message).toMatch(/stop that process or choose another port/);
  });
});
