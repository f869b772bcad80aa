import { startChild } from "../harness/child.ts";
import type { PeerOptions, Usage } from "../harness/orders.ts";
import { peerModule } from "./proto.ts";

/** A process that serves. */
export interface Serving {
  readonly address: string;
  usage(): Promise<Usage>;
}

/** Where the processes of all peers live, until it is disposed of. */
export interface World extends AsyncDisposable {
  readonly signal: AbortSignal;
  /** Starts a process of `peers/<module>.ts`, which exports `startServer`. */
  serve(who: string, module: string, options?: PeerOptions): Promise<Serving>;
  /** The one backend of those that speak gRPC. */
  grpcBackend(): Promise<Serving>;
  /** Called at the end; the last one that was given comes first. */
  defer(stop: () => Promise<void>): void;
}

export function createWorld(signal: AbortSignal): World {
  const parts = new AsyncDisposableStack();
  let grpc: Promise<Serving> | undefined;
  const serve: World["serve"] = async (who, module, options = {}) => {
    const child = startChild(who, signal);
    parts.defer(() => child.stop());
    const { address } = await child.ask("serve", { module: peerModule(module), options });
    return { address, usage: () => child.ask("usage", {}) };
  };
  return {
    signal,
    serve,
    grpcBackend: () => {
      grpc ??= serve("gRPC backend", "grpc-backend");
      return grpc;
    },
    defer: (stop) => parts.defer(stop),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}
