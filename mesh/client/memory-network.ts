import { randomUUID } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import type { Client, Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { createUniversalHandlerClient } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { serviceOf } from "../contract/options.ts";
import { fail } from "../errors.ts";
import { serverLimits } from "../limits.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import { type Credentials, nobody } from "../rpc/authenticate.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { Network } from "./network.ts";
import { createMeshTransport } from "./transport.ts";

/**
 * Services that reach each other in one process, without sockets. Nothing else
 * is left out: messages are encoded, contracts enforced, callers checked. Who
 * calls is vouched for by this object instead of by tokens.
 */
export interface MemoryNetwork {
  /** Makes a service reachable. */
  attach(service: string, rpc: Rpc): void;
  /** What a service of this name sees of the others; its scopes are those of its contracts. */
  networkOf(service: string, scopes: readonly string[]): Network;
  /** A transport whose calls are made by exactly this caller, with these headers. */
  transport(
    callee: string,
    credentials: () => Credentials,
    headers?: Readonly<Record<string, string>>,
  ): Transport;
  readonly authenticate: Authenticator;
}

const ticketHeader = "weft-in-memory";

export function createMemoryNetwork(): MemoryNetwork {
  const attached = new Map<string, readonly UniversalHandler[]>();
  // A ticket is good for one call and never leaves the process.
  const tickets = new Map<string, Credentials>();

  const wireTo = (callee: string): Transport => {
    let known: { handlers: readonly UniversalHandler[]; transport: Transport } | undefined;
    const find = () => {
      const handlers = attached.get(callee);
      if (!handlers) throw notHosted(callee);
      if (known?.handlers !== handlers) known = { handlers, transport: inMemoryTransport(handlers) };
      return known.transport;
    };
    return {
      unary: async (...call) => find().unary(...call),
      stream: async (...call) => find().stream(...call),
    };
  };

  const issue = (credentials: Credentials) => {
    const ticket = randomUUID();
    tickets.set(ticket, credentials);
    return { [ticketHeader]: ticket };
  };

  const open = <S extends DescService>(
    contract: S,
    caller: string,
    scopes: readonly string[] | undefined,
  ): Client<S> => {
    const callee = serviceOf(contract)?.name ?? "";
    const transport = createMeshTransport({
      caller,
      callee,
      wire: wireTo(callee),
      credentials: async (_callee, call) => {
        const user = call?.caller.user;
        if (!scopes) return issue(nobody);
        return issue({
          caller: { service: { name: caller, scopes }, ...(user && { user }) },
          userToken: call?.userToken ?? "",
        });
      },
    });
    return createClient(contract, transport);
  };

  return {
    attach: (service, rpc) => void attached.set(service, rpc.handlers),
    networkOf: (service, scopes) => ({
      client: (contract) => open(contract, service, scopes),
      anonymousClient: (contract) => open(contract, service, undefined),
      ping: async (contract) => {
        const callee = serviceOf(contract)?.name ?? "";
        if (!attached.has(callee)) throw notHosted(callee);
      },
      close: () => {},
    }),
    transport: (callee, credentials, headers = {}) =>
      createMeshTransport({
        caller: "outside",
        callee,
        wire: wireTo(callee),
        credentials: async () => ({ ...headers, ...issue(credentials()) }),
      }),
    authenticate: (metadata) => {
      const ticket = metadata.header(ticketHeader) ?? "";
      const credentials = tickets.get(ticket);
      tickets.delete(ticket);
      return credentials ?? nobody;
    },
  };
}

const notHosted = (callee: string) => fail.unavailable("not_hosted", `${callee} is not hosted here`);

function inMemoryTransport(handlers: readonly UniversalHandler[]): Transport {
  return createTransport({
    httpClient: createUniversalHandlerClient([...handlers]),
    baseUrl: "http://in-memory",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: serverLimits.messageBytes,
    writeMaxBytes: serverLimits.messageBytes,
  });
}
