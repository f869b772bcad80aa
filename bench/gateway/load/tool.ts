import type { LoadResult } from "../../harness/load.ts";

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Requests, sent again and again over connections that stay open. */
export interface HttpLoad {
  /** Without a path. */
  readonly url: string;
  /** Taken in turn. */
  readonly requests: readonly HttpRequest[];
  /** Each sends its next request when the last one is answered. */
  readonly connections: number;
  readonly ms: number;
}

/** A program that sends requests. Throws when one is not answered with 2xx. */
export interface LoadTool {
  readonly name: string;
  run(load: HttpLoad, signal: AbortSignal): Promise<LoadResult>;
}

/** What a load program counts as gone wrong. */
export interface Failures {
  readonly sockets: number;
  readonly timeouts: number;
  readonly statuses: number;
}

/** A figure is worth nothing when some of its requests were not served. */
export function mustHaveNone({ sockets, timeouts, statuses }: Failures): void {
  if (sockets + timeouts + statuses === 0) return;
  throw new Error(
    `under load, ${statuses} answers were no 2xx, ${timeouts} requests timed out, ${sockets} connections failed`,
  );
}
