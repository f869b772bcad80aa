import type { DescService } from "@bufbuild/protobuf";
import type { Client, Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { compressionGzip, createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Endpoints } from "../config/endpoints.ts";
import type { Credentials } from "../identity/credentials.ts";
import { createCredentials } from "../identity/credentials.ts";
import type { ServiceKey } from "../identity/service-key.ts";
import { serverLimits } from "../limits.ts";
import { calleeOf } from "./callee.ts";
import { createMeshTransport } from "./transport.ts";

/** Reaches other services. */
export interface Network {
  /** A typed client, as this service. */
  client<S extends DescService>(contract: S): Client<S>;
  /** A typed client, as nobody: for what is public, such as the issuer's keys. */
  anonymousClient<S extends DescService>(contract: S): Client<S>;
  /** Throws when the process that serves this contract does not answer. */
  ping(contract: DescService): Promise<void>;
  /** Gives up its connections, once nothing is called any more. */
  close(): void;
}

/** Reaches them by socket, at addresses that are known beforehand. */
export function socketNetwork(caller: string, endpoints: Endpoints, key: ServiceKey | undefined): Network {
  const wires = new Map<string, Wire>();
  const wireTo = (url: string) => {
    const wire = wires.get(url) ?? openWire(url);
    wires.set(url, wire);
    return wire.transport;
  };
  const open = <S extends DescService>(contract: S, credentials: Credentials | undefined): Client<S> => {
    const { name, url } = calleeOf(contract, endpoints);
    const transport = createMeshTransport({
      caller,
      callee: name,
      wire: wireTo(url),
      ...(credentials && { credentials }),
    });
    return createClient(contract, transport);
  };

  const anonymousClient = <S extends DescService>(contract: S) => open(contract, undefined);
  const credentials: Credentials | undefined = key && credentialsFor(key, anonymousClient, open);
  return {
    client: (contract) => open(contract, credentials),
    anonymousClient,
    ping: (contract) => ping(calleeOf(contract, endpoints).url),
    close: () => {
      for (const { sessions } of wires.values()) sessions.abort();
    },
  };
}

type Open = <S extends DescService>(contract: S, credentials: Credentials | undefined) => Client<S>;

function credentialsFor(key: ServiceKey, anonymous: Network["anonymousClient"], open: Open): Credentials {
  // The exchange is itself a call that needs our token, but never one for a user.
  const own: Credentials = (callee) => credentials(callee, undefined);
  const credentials: Credentials = createCredentials({
    key,
    issuer: anonymous(TokenService),
    exchange: open(TokenService, own),
  });
  return credentials;
}

interface Wire {
  readonly transport: Transport;
  readonly sessions: Http2SessionManager;
}

function openWire(baseUrl: string): Wire {
  // Finds out about a dead peer before the next call does.
  const sessions = new Http2SessionManager(baseUrl, { pingIntervalMs: 30_000, pingTimeoutMs: 5_000 });
  const transport = createConnectTransport({
    baseUrl,
    httpVersion: "2",
    sessionManager: sessions,
    useBinaryFormat: true,
    acceptCompression: [compressionGzip],
    readMaxBytes: serverLimits.messageBytes,
    writeMaxBytes: serverLimits.messageBytes,
  });
  return { transport, sessions };
}

const pingTimeoutMs = 1500;

async function ping(url: string): Promise<void> {
  const signal = AbortSignal.timeout(pingTimeoutMs);
  const answer = await fetch(new URL("/health/live", url), { signal }).catch((error: unknown) => {
    // `fetch failed` says nothing; its cause does.
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`answers ${answer.status}`);
}
