/** The gateway's front on a port of its own, with limits that a test can wait for. Started by `open-slow-door.ts`. */
import { createRegistry } from "@bufbuild/protobuf";
import { handlers } from "#mesh";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { createNetwork } from "#mesh/client/network.ts";
import { compilePolicies } from "#mesh/contract/policy.ts";
import { createStaticDirectory } from "#mesh/discovery/static-directory.ts";
import { createLogger } from "#mesh/log/logger.ts";
import { nobody } from "#mesh/rpc/authenticate.ts";
import { createRpc } from "#mesh/rpc/rpc.ts";
import { openPort } from "#mesh/server/port.ts";
import { silentTelemetry } from "#mesh/testing/telemetry.ts";
import { testServices } from "../../../gateway/contracts/testing/test-file.ts";
import { createCors } from "../../../gateway/edge/cors.ts";
import { createJsonCall } from "../../../gateway/edge/json-call.ts";
import { keepNothing } from "../../../gateway/edge/keeping.ts";
import { createFront } from "../../../gateway/front.ts";
import { bindingsOf } from "../../../gateway/routing/bindings-of.ts";
import { createSnapshots } from "../../../gateway/served/snapshot.ts";
import type { DoorQuestion, DoorReport } from "./open-slow-door.ts";
import { doorLimits } from "./open-slow-door.ts";

const limits = { ...serverLimits, ...doorLimits };
const [contract] = testServices({
  process: "door",
  package: "door.v1",
  services: {
    DoorService: {
      Say: { http: { post: "/api/v1/say", body: "*" } },
      Much: { http: { get: "/api/v1/much" }, idempotency: "NO_SIDE_EFFECTS" },
      Mine: { http: { post: "/api/v1/mine", body: "*" }, options: { access: { signed_in: true } } },
    },
  },
});
if (!contract) throw new Error("there is no contract");

let running = 0;
const much = Buffer.alloc(1024 * 1024, "many words ").toString();
const log = createLogger({ service: "door", level: "silent", contracts: [], destination: { write() {} } });
const common = {
  authenticate: () => nobody,
  telemetry: silentTelemetry("door"),
  log,
  stopping: new AbortController().signal,
};
const own = createRpc({
  ...common,
  implementations: [
    handlers(contract, {
      say: ({ text }: { text: string }) => ({ text: String(text.length) }),
      much: () => ({ text: much }),
      mine: () => ({}),
    } as never),
  ],
  policies: compilePolicies("door", [contract]),
});
const network = createNetwork({
  callerId: "door",
  directory: createStaticDirectory({}),
  telemetry: common.telemetry,
});
const snapshotOf = createSnapshots({
  ...common,
  network,
  own,
  ownContracts: {
    service: "door",
    contracts: [contract],
    registry: createRegistry(contract.file),
    bindings: bindingsOf(contract).bindings,
  },
  meter: undefined,
  enter: () => new Headers(),
  describe: () => [],
});
const snapshot = snapshotOf({ version: 1, served: [], reports: [] });
const answer = createJsonCall({
  body: { bytes: doorLimits.messageBytes, ms: doorLimits.bodyMs },
  keeping: keepNothing,
});
const front = createFront({
  snapshot: () => snapshot,
  cors: createCors([], false),
  clientOf: (address) => address,
  isTrusted: () => false,
  pages: () => undefined,
  answer: async (...given) => {
    running++;
    try {
      await answer(...given);
    } finally {
      running--;
    }
  },
  log,
});
const port = await openPort({ host: "0.0.0.0", port: 0, rpc: own, routes: new Map(), front, log, limits });

let peakRss = 0;
setInterval(() => {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}, 10);
process.on("message", (question: DoorQuestion) => {
  if (question.collect) for (let at = 0; at < 3; at++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const report: DoorReport = {
    connections: port.connections(),
    running,
    memory: heapUsed + external,
    rss,
    peakRss: Math.max(peakRss, rss),
  };
  if (question.collect) peakRss = 0;
  process.send?.({ id: question.id, report });
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: port.port });
