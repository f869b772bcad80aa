import { join, resolve } from "node:path";
import { systemClock } from "./clock.ts";
import { EmbeddedError, fromSystem } from "./errors.ts";
import type { EmbeddedEvent, ServerEvent, ServerName } from "./events.ts";
import { takeLock } from "./lock.ts";
import { keepLogSmall } from "./log-file.ts";
import { choosePort, holdPort, isFree } from "./ports.ts";
import { makeFolder } from "./private-file.ts";
import type { Program, State } from "./supervisor.ts";
import { Supervisor } from "./supervisor.ts";

export interface ServerOptions {
  /** Where this server keeps its data; made when missing. */
  dataDir: string;
  /** Where its output goes, as `postgres.log` and `nats.log`. */
  logDir: string;
  /** Exactly this port, or an error. By default the one used last, else the usual one, else a free one. */
  port?: number | undefined;
  onEvent?: ((event: EmbeddedEvent) => void) | undefined;
  /** Default true: the kernel stops the server when we die. For tests of systems where it cannot. */
  dieWithParent?: boolean | undefined;
  /** Default true: what is committed survives a power cut. Without it only crashes are survived, on however slow a disk. */
  fsync?: boolean | undefined;
}

export interface ServerStatus {
  server: ServerName;
  state: State;
  port: number;
  /** Undefined while there is no process. */
  pid: number | undefined;
  version: string | undefined;
  restarts: number;
  /** Since when it is in this state. */
  since: Date;
}

/** A running server. Its address stays the same through all restarts. */
export interface Supervised extends AsyncDisposable {
  readonly name: ServerName;
  /** With the credentials in it: show it to nobody. */
  readonly url: string;
  status(): ServerStatus;
  /** Resolves when its process is gone. */
  stop(): Promise<void>;
}

/** What a kind of server brings along; the rest is the same for both. */
export interface ServerKind {
  name: ServerName;
  usualPort: number;
  prepare(place: Place): Promise<Prepared>;
}

export interface Place {
  dataDir: string;
  logFile: string;
  dieWithParent?: boolean | undefined;
  fsync: boolean;
  report(event: ServerEvent): void;
}

export interface Prepared {
  /** The port of the last time. */
  lastPort: number | undefined;
  /** Notes the port and answers with the program that listens on it. */
  listenOn(port: number): Promise<{ program: Program; url: string }>;
}

/** The lock that says who runs the server of this name on the folder. */
const lockFile = (dataDir: string, name: ServerName) => join(dataDir, `${name}.lock`);

export async function startServer(kind: ServerKind, options: ServerOptions): Promise<Supervised> {
  const { name } = kind;
  const { onEvent, dieWithParent, fsync = true } = options;
  const [dataDir, logDir] = [resolve(options.dataDir), resolve(options.logDir)];
  const report = (event: ServerEvent) => onEvent?.({ ...event, server: name });
  const logFile = join(logDir, `${name}.log`);
  makeFolder(dataDir);
  makeFolder(logDir);
  const lock = takeLock(lockFile(dataDir, name), dataDir);
  const stopRotation = keepLogSmall(logFile);
  const leave = () => {
    stopRotation();
    lock.release();
  };
  try {
    const prepared = await kind.prepare({ dataDir, logFile, dieWithParent, fsync, report });
    const running = await startOnSomePort({
      kind,
      prepared,
      port: options.port || undefined,
      logFile,
      report,
    });
    return supervised(kind.name, running, leave);
  } catch (error) {
    leave();
    throw fromSystem(error, dataDir);
  }
}

interface Running {
  supervisor: Supervisor;
  port: number;
  url: string;
}

interface PortSearch {
  kind: ServerKind;
  prepared: Prepared;
  port: number | undefined;
  logFile: string;
  report: (event: ServerEvent) => void;
}

/** Between our look at a port and the server's bind another may take it; then look again. */
async function startOnSomePort(search: PortSearch): Promise<Running> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(search);
    } catch (error) {
      const taken = error instanceof EmbeddedError && error.code === "port_taken";
      if (!taken || search.port !== undefined || tries === 5) throw error;
    }
  }
}

async function startOnce({ kind, prepared, port: fixed, logFile, report }: PortSearch): Promise<Running> {
  const { name, usualPort } = kind;
  const { lastPort } = prepared;
  if (fixed !== undefined && !(await isFree(fixed))) throw portTaken(name, fixed);
  const wanted = lastPort === undefined ? [usualPort] : [lastPort, usualPort];
  const port = fixed ?? (await choosePort(wanted));
  if (fixed === undefined && lastPort !== undefined && lastPort !== port) {
    report({ type: "port-moved", from: lastPort, to: port });
  }
  const { program, url } = await prepared.listenOn(port);
  const supervisor = new Supervisor(program, {
    name,
    clock: systemClock,
    standIn: () => holdPort(port),
    onChange: (change) => {
      if (change.type === "starting") report({ ...change, port });
      else if (change.type === "ready") report({ ...change, port });
      else if (change.type === "exited") report({ ...change, log: logFile });
      else report(change);
    },
  });
  await supervisor.start();
  return { supervisor, port, url };
}

function supervised(name: ServerName, { supervisor, port, url }: Running, leave: () => void): Supervised {
  const stop = () => supervisor.stop().finally(leave);
  return {
    name,
    url,
    status() {
      const { state, pid, version, restarts, since } = supervisor;
      return { server: name, state, port, pid, version, restarts, since };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function portTaken(name: ServerName, port: number): EmbeddedError {
  return new EmbeddedError("port_taken", `port ${port}, asked for ${name}, is taken`, {
    remedy: "free it or leave the port out, and a free one is found",
  });
}
