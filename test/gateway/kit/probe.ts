import type { Call, ServiceDefinition } from "#mesh";
import type { TestMethod } from "../../../gateway/contracts/testing/test-file.ts";
import { learnedService } from "./learned.ts";

/** What a service was told of one call. */
export interface Arrived {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly caller: Call["caller"];
  readonly client: Call["client"];
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly leftMs: number;
  readonly request: Readonly<Record<string, unknown>>;
}

export interface Probe {
  readonly definition: ServiceDefinition;
  /** All that came, in order. */
  readonly arrived: Arrived[];
}

const access = { public: true };
const methods: Record<string, TestMethod> = {
  Show: {
    http: { get: "/api/v1/probe/{id}" },
    idempotency: "NO_SIDE_EFFECTS",
    options: { access, timeout: "20s" },
  },
  Tell: { http: { post: "/api/v1/probe", body: "*" }, options: { access, timeout: "20s" } },
  Mine: { http: { get: "/api/v1/probe/mine" }, options: { access: { signed_in: true } } },
  Flow: { http: { get: "/api/v1/probe/{id}/flow" }, stream: "out", options: { access, timeout: "20s" } },
  Secret: { options: { access: { services: ["nobody"] } } },
};

/** Stands behind a gateway and notes what arrives. */
export function createProbe(): Probe {
  const arrived: Arrived[] = [];
  const note = (request: Record<string, unknown>, call: Call) => {
    const { method, caller, client, requestId, correlationId, traceparent, requestHeader, deadline } = call;
    arrived.push({
      method: method.split("/")[1] ?? "",
      headers: Object.fromEntries(requestHeader),
      caller,
      client,
      requestId,
      correlationId,
      traceparent,
      leftMs: deadline - Date.now(),
      request,
    });
    return { text: "noted" };
  };
  const flow = async function* (request: Record<string, unknown>, call: Call) {
    yield note(request, call);
  };
  const file = { process: "probe", package: "probe.v1", services: { ProbeService: methods } };
  const definition = learnedService(file, { show: note, tell: note, mine: note, secret: note, flow });
  return { definition, arrived };
}
