import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GeneralLane, GeneralLaneOptions } from "#mesh/client/general-lane.ts";
import { openGeneralLane } from "#mesh/client/general-lane.ts";
import { createLeavableClient } from "#mesh/client/leavable-client.ts";
import type { Port } from "#mesh/server/port.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import { ProbeService } from "#mesh/testing/probe.ts";
import type { Scene } from "./cases.ts";
import { cases, casesBothWays } from "./cases.ts";
import type { EndedCalls } from "./probe-handlers.ts";
import { probeHandlers } from "./probe-handlers.ts";
import { serve } from "./serving.ts";
import type { Way } from "./ways.ts";
import { nameOf, ways } from "./ways.ts";

/*
 * Our server and our client against each other. Whether both are right, and not
 * wrong in the same way, is for the official suite to say: `npm run conformance`.
 */
const messageBytes = 64 * 1024;
const ended: EndedCalls = new Map();
const lanes: GeneralLane[] = [];
let port: Port;

beforeAll(async () => {
  port = await serve({
    contract: ProbeService,
    handlers: probeHandlers(ended),
    messageBytes,
    logTo: collectLogs(),
  });
});
afterAll(async () => {
  for (const lane of lanes) lane.close();
  await port.drain(0);
});

function clientOf(way: Way, options: Partial<GeneralLaneOptions> = {}) {
  const lane = openGeneralLane({ baseUrl: `http://127.0.0.1:${port.port}`, ...way, ...options });
  lanes.push(lane);
  return createLeavableClient(ProbeService, lane.transport);
}

describe.each(ways.map((way) => [nameOf(way), way] as const))("a call by %s", (_name, way) => {
  let scene: Scene;
  beforeAll(() => {
    scene = { way, client: clientOf(way), other: (options) => clientOf(way, options), ended, messageBytes };
  });

  test.each(Object.entries(cases))("%s", (_what, check) => check(scene));
  if (way.http === "2") test.each(Object.entries(casesBothWays))("%s", (_what, check) => check(scene));

  if (way.protocol === "connect") {
    test("without side effects may come by GET", async () => {
      const { text } = await clientOf(way, { useHttpGet: true }).look({ text: "seen" });
      expect(text).toBe("seen");
    });
  }
});
