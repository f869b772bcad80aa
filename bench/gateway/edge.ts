import type { Contender } from "../harness/contender.ts";
import type { HttpRequest, LoadTool } from "./load/tool.ts";
import { difference } from "./same-answer.ts";
import type { Work } from "./work.ts";
import { workNamed } from "./work.ts";
import type { Serving, World } from "./world.ts";

type Headers = Readonly<Record<string, string>>;

/** A gateway that runs, and what is behind it. */
export interface Edge {
  readonly gateway: Serving;
  /** None when it answers by itself. */
  readonly backend?: Serving;
  /** What is sent besides, in turn. Default: nothing. */
  headers?(): Promise<readonly Headers[]>;
  /** The answer without its envelope. Default: as it is. */
  unwrap?(answer: unknown): unknown;
}

/** One who takes part. */
export interface GatewayPeer {
  readonly name: string;
  /** Why it cannot take part here, if so. */
  missing?(): string | undefined;
  start(world: World): Promise<Edge>;
}

/** What one round showed. */
export interface GatewayFigures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of each process for one request; NaN where there is no backend. */
  readonly cpuGatewayMicros: number;
  readonly cpuBackendMicros: number;
  readonly rssGatewayMb: number;
  readonly rssBackendMb: number;
}

const checked = 5;

/** Makes a gateway one whose rounds can be measured. */
export function contenderOf(
  name: string,
  { gateway, backend, headers = async () => [{}], unwrap = (answer) => answer }: Edge,
  tool: LoadTool,
  signal: AbortSignal,
): Contender<GatewayFigures> {
  const usage = () => Promise.all([gateway.usage(), backend?.usage()]);
  return {
    name,
    // Its processes belong to the world.
    stop: async () => {},
    async check(workName) {
      const work = workNamed(workName);
      const requests = requestsOf(work, await headers());
      for (const [index, { path, ...request }] of requests.slice(0, checked).entries()) {
        const response = await fetch(gateway.address + path, { ...request, signal });
        const text = await response.text();
        if (!response.ok) throw new Error(`${name} answers ${work.name} with ${response.status}: ${text}`);
        const found = difference(work.expected(index), unwrap(JSON.parse(text)));
        if (found) throw new Error(`${name} does not do the work of ${work.name}: ${found}`);
      }
    },
    async measure({ name: workName, lanes }, ms) {
      const requests = requestsOf(workNamed(workName), await headers());
      const load = { url: gateway.address, requests, connections: lanes, ms };
      const [gatewayBefore, backendBefore] = await usage();
      const { total, ...result } = await tool.run(load, signal).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw new Error(`${name}, ${workName}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      });
      const [gatewayAfter, backendAfter] = await usage();
      const micros = (after = Number.NaN, before = Number.NaN) => (after - before) / total;
      return {
        ...result,
        cpuGatewayMicros: micros(gatewayAfter.cpuMicros, gatewayBefore.cpuMicros),
        cpuBackendMicros: micros(backendAfter?.cpuMicros, backendBefore?.cpuMicros),
        rssGatewayMb: gatewayAfter.rssBytes / 2 ** 20,
        rssBackendMb: (backendAfter?.rssBytes ?? Number.NaN) / 2 ** 20,
      };
    },
  };
}

/** Each path and each of the headers at least once. */
function requestsOf({ method, paths, body }: Work, headers: readonly Headers[]): HttpRequest[] {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  return Array.from({ length: Math.max(paths.length, headers.length) }, (_, index) => ({
    method,
    path: paths[index % paths.length] ?? "",
    headers: { ...type, ...headers[index % headers.length] },
    ...(body !== undefined && { body }),
  }));
}
