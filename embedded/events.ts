export type ServerName = "postgres" | "nats";

export type ServerEvent =
  | { type: "initialising" }
  | { type: "downloading"; what: string; received: number; total: number | undefined }
  | { type: "orphan-stopped"; pid: number }
  | { type: "port-moved"; from: number; to: number }
  | { type: "starting"; port: number }
  | { type: "ready"; port: number; pid: number; version: string; tookMs: number }
  | { type: "exited"; why: string; restartInMs: number; log: string }
  | { type: "stopping" }
  | { type: "stopped" };

/** What happens to an embedded server, as it happens. */
export type EmbeddedEvent = ServerEvent & { server: ServerName };

const titles: Record<ServerName, string> = { postgres: "PostgreSQL", nats: "NATS" };

/** The event as one line for people. */
export function describeEvent(event: EmbeddedEvent): string {
  return `${titles[event.server]} ${describe(event)}`;
}

function describe(event: ServerEvent): string {
  switch (event.type) {
    case "initialising":
      return "is making its data folder";
    case "downloading":
      return `needs ${event.what}: ${megabytes(event.received)}${event.total ? ` of ${megabytes(event.total)}` : ""}`;
    case "orphan-stopped":
      return `had outlived an earlier start (pid ${event.pid}) and was stopped`;
    case "port-moved":
      return `moves to port ${event.to}: ${event.from} is taken`;
    case "starting":
      return `is starting on port ${event.port}`;
    case "ready":
      return `${event.version} is ready on port ${event.port} (pid ${event.pid}, ${Math.round(event.tookMs)} ms)`;
    case "exited":
      return `${event.why}; restarting in ${event.restartInMs / 1000} s, its log is ${event.log}`;
    case "stopping":
      return "is stopping";
    case "stopped":
      return "has stopped";
  }
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
