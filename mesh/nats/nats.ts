import type { KV, KvOptions } from "@nats-io/kv";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { connect } from "@nats-io/transport-node";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import { waitFor } from "../wait.ts";
import "./tolerant-headers.ts";

export interface Nats {
  readonly connection: NatsConnection;
  /** Is the server there now? The client reconnects by itself, for ever. */
  readonly connected: () => boolean;
  /** A subject as this platform has it on a broker that it shares with others. */
  subject(subject: string): string;
  /** The name of a stream or consumer, likewise. */
  nameOf(name: string): string;
  /** Opens a key-value bucket, making it when it is missing. */
  bucket(name: string, options?: Partial<KvOptions>): Promise<KV>;
  close(): Promise<void>;
}

export interface NatsOptions {
  url: string;
  /** Shown by `nats server list connections`. */
  name: string;
  log: Logger;
  waitMs: number;
  /** Keeps several platforms on one broker apart. Default: none. */
  namespace?: string;
}

export async function connectNats({ url, name, log, waitMs, namespace = "" }: NatsOptions): Promise<Nats> {
  const { protocol, host } = new URL(url);
  const connection = await waitFor(`NATS at ${host}`, { waitMs, log, giveUp: isRefusal }, () =>
    connect({
      servers: host,
      name,
      ...credentialsIn(url),
      // Asked for by the URL, so a server without it is refused.
      ...(protocol === "tls:" && { tls: {} }),
      timeout: 3000,
      maxReconnectAttempts: -1,
      // Else it gives up for good when the server has twice waited in vain for its credentials, over a
      // line that stalls. Wrong ones are refused at the start all the same.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 250,
    }),
  ).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.unavailable("nats_unreachable", `cannot use NATS at ${host}: ${why}`, {
      remedy: "start it or correct NATS_URL; without NATS_URL `weft up` brings its own",
      cause,
    });
  });

  let up = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") up = false;
      if (status.type === "reconnect") up = true;
      if (status.type === "disconnect" || status.type === "reconnect") log.warn(`NATS ${status.type}ed`);
    }
  })();

  const kvm = new Kvm(connection);
  const nameOf = (it: string) => (namespace ? `${namespace}_${it}` : it);
  return {
    connection,
    connected: () => up && !connection.isClosed(),
    subject: (subject) => (namespace ? `${namespace}.${subject}` : subject),
    nameOf,
    bucket: (bucket, options) => kvm.create(nameOf(bucket), options),
    close: () => connection.drain().catch(() => connection.close()),
  };
}

/** `nats://user:password@host`, or `nats://token@host` as NATS tools write it. */
function credentialsIn(url: string): { user: string; pass: string } | { token: string } | undefined {
  const { username, password } = new URL(url);
  if (!username) return undefined;
  const user = decodeURIComponent(username);
  return password ? { user, pass: decodeURIComponent(password) } : { token: user };
}

const isRefusal = (error: unknown) => error instanceof Error && /authorization/i.test(error.message);
