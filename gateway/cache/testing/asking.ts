import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import type { UserIdentity } from "#mesh";
import { createLogger } from "#mesh";
import { LiveCall } from "#mesh/call/live-call.ts";
import { createTracer } from "#mesh/telemetry/tracer.ts";
import type { Exchange } from "../../edge/exchange.ts";
import type { Kept } from "../../edge/keeping.ts";
import type { EdgeRoute } from "../../edge/route.ts";
import type { CachePolicy } from "../cache-policy.ts";

export const quiet = createLogger({
  service: "gateway",
  level: "silent",
  contracts: [],
  destination: { write() {} },
});

export const policy = (more: Partial<CachePolicy> = {}): CachePolicy => ({
  maxAgeMs: 60_000,
  staleIfErrorMs: 0,
  invalidatedBy: [],
  ...more,
});

export interface TestRoute {
  name?: string;
  verb?: string;
  path?: string;
  cache?: CachePolicy;
  isPublic?: boolean;
  keyed?: boolean;
  keepsKeys?: boolean;
  forServices?: boolean;
  reads?: boolean;
  status?: number;
  timeoutMs?: number;
}

/** The parts of a route that the keeping of answers looks at. */
export function routeOf(options: TestRoute = {}): EdgeRoute {
  const { name = "library.v1.LibraryService/GetBook", verb = "GET", path = "/v1/books/{id}" } = options;
  const { reads = true, timeoutMs = 30_000, isPublic = false } = options;
  const desc = {
    idempotency: reads ? Idempotency.NO_SIDE_EFFECTS : Idempotency.IDEMPOTENCY_UNKNOWN,
  } as DescMethod;
  return {
    binding: { verb, template: { text: path } },
    method: { name, desc, policy: { name, isPublic, timeoutMs } },
    status: options.status ?? 200,
    cache: options.cache,
    keyed: options.keyed ?? false,
    keepsKeys: options.keepsKeys ?? false,
    forServices: options.forServices ?? false,
    headers: [],
  } as unknown as EdgeRoute;
}

export function exchangeOf(
  method: string,
  headers: Readonly<Record<string, string>> = {},
  client = "192.0.2.1",
): Exchange {
  return { request: { method, headers }, client } as unknown as Exchange;
}

export const user = (id: string, more: Partial<UserIdentity> = {}): UserIdentity => ({
  id,
  email: `${id}@example.com`,
  sessionId: "s1",
  roles: [],
  permissions: [],
  ...more,
});

const tracer = createTracer({ service: "gateway" });

export function callOf(who?: UserIdentity, more: { userToken?: string; budgetMs?: number } = {}): LiveCall {
  const none = () => new Headers();
  return new LiveCall({
    method: "library.v1.LibraryService/GetBook",
    requestId: "r1",
    correlationId: "c1",
    span: tracer.begin("server", "GetBook", undefined),
    tracer,
    caller: who ? { user: who } : {},
    userToken: more.userToken ?? (who ? "token" : ""),
    envelope: { requestHeader: none(), responseHeader: none(), responseTrailer: none() },
    client: () => ({ address: "192.0.2.1", userAgent: "" }),
    budgetMs: more.budgetMs ?? Number.POSITIVE_INFINITY,
    log: quiet,
  });
}

export const bytesOf = (text: string): Uint8Array => Buffer.from(text);

export const kept = (data: string, header: Kept["header"] = undefined): Kept => ({
  status: 200,
  data,
  header,
});

/** One field of an answer's header. */
export function fieldOf({ header }: Kept, name: string): string | undefined {
  const at = header?.indexOf(name) ?? -1;
  return at < 0 ? undefined : header?.[at + 1];
}
