import type { Network } from "../client/network.ts";
import type { DiscoveredDirectory } from "../discovery/directory.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { Front } from "../server/front.ts";
import type { Routes } from "../server/node.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** What a process needs to stand before others: the means by which the mesh serves and calls. */
export interface Edge {
  readonly instanceId: string;
  /** Not in production, and not under test. */
  readonly development: boolean;
  /** Answers this process's own contracts. */
  readonly rpc: Rpc;
  /** Its health and metrics. */
  readonly routes: Routes;
  readonly network: Network;
  /** Whoever announces itself; without discovery, nobody. */
  readonly directory: DiscoveredDirectory | undefined;
  readonly authenticate: Authenticator;
  readonly telemetry: Telemetry;
}

/** Makes what a port answers beyond its own RPCs. */
export type OpenFront = (edge: Edge) => Front | Promise<Front>;
