import { serverLimits } from "../bounds/limits.ts";
import { ClientConnection } from "../express/client-connection.ts";
import { fieldsFit } from "../express/fields.ts";
import { wireLimits } from "../express/frame.ts";
import type { LaneRequest, Settle, UnaryLane } from "./lane.ts";
import { unreachable } from "./unreachable.ts";

export interface ExpressLaneOptions {
  host: string;
  port: number;
  /** Takes what the express lane does not: large requests, and everything when the server speaks no express. */
  general: UnaryLane;
  /** How long to wait for a connection. Default 5 s. */
  connectMs?: number;
}

const usualConnectMs = 5000;
/** A server that did not speak express is asked again after this long: it may have been replaced. */
const foreignMs = 60_000;
const checkMs = 500;

/** Keeps one connection to an instance, and makes another when it goes. */
export function createExpressLane(options: ExpressLaneOptions): UnaryLane {
  const { host, port, general, connectMs = usualConnectMs } = options;
  let connection: ClientConnection | undefined;
  let foreignUntilMs = 0;
  let closed = false;
  const leaving = new Set<ClientConnection>();

  const open = (): ClientConnection => {
    const opened: ClientConnection = new ClientConnection({
      host,
      port,
      connectMs,
      messageBytes: serverLimits.messageBytes,
      onForeign: () => {
        foreignUntilMs = performance.now() + foreignMs;
      },
      onAway: () => {
        if (connection === opened) connection = undefined;
        if (opened.inFlight > 0) leaving.add(opened);
      },
    });
    return opened;
  };

  const check = setInterval(() => {
    const now = performance.now();
    connection?.check(now);
    for (const old of leaving) {
      old.check(now);
      if (old.inFlight === 0) leaving.delete(old);
    }
  }, checkMs);
  check.unref();

  const startWhenReady = (on: ClientConnection, request: LaneRequest, settle: Settle): (() => void) => {
    let cancel: (() => void) | undefined;
    let given = false;
    on.ready.then(
      () => {
        if (given) return;
        if (closed) settle.failed({ error: unreachable(`${host}:${port}`, laneClosed()), processed: false });
        else cancel = start(request, settle);
      },
      (cause: Error) => {
        if (given) return;
        if (performance.now() < foreignUntilMs) cancel = general.start(request, settle);
        else settle.failed({ error: unreachable(`${host}:${port}`, cause), processed: false });
      },
    );
    return () => {
      given = true;
      cancel?.();
    };
  };

  const start = (request: LaneRequest, settle: Settle): (() => void) => {
    if (!fits(request) || performance.now() < foreignUntilMs) {
      return general.start(request, settle);
    }
    connection ??= open();
    const on = connection;
    if (!on.open) return startWhenReady(on, request, settle);
    const id = on.call(request, settle);
    return () => on.cancel(id);
  };

  return {
    start(request, settle) {
      if (closed) throw laneClosed();
      return start(request, settle);
    },
    close() {
      closed = true;
      clearInterval(check);
      connection?.leave();
      general.close();
    },
  };
}

const laneClosed = () => new Error("the lane is closed");

/** Small enough for the express lane; the general one says what is too large for any. */
const fits = ({ message, fields, path, authorization, statement }: LaneRequest): boolean =>
  message.length <= wireLimits.requestBytes &&
  Math.max(path.length, authorization.length, statement.length) <= wireLimits.wordBytes &&
  fieldsFit(fields);
