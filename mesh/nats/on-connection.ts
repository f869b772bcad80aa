import type { Nats } from "./nats.ts";

export interface ConnectionEvents {
  lost?(): void;
  back?(): void;
  closed?(): void;
}

/** Tells of the broker's coming and going; gives back how to stop. */
export function onConnection(nats: Nats, events: ConnectionEvents): () => void {
  let stopped = false;
  const statuses = nats.connection.status();
  void (async () => {
    for await (const { type } of statuses) {
      if (stopped) return;
      if (type === "disconnect") events.lost?.();
      if (type === "reconnect") events.back?.();
    }
  })();
  void nats.connection.closed().then(() => {
    if (!stopped) events.closed?.();
  });
  return () => {
    stopped = true;
    if ("stop" in statuses && typeof statuses.stop === "function") statuses.stop();
  };
}
