import { randomUUID } from "node:crypto";
import type { DescService } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { makeRoom } from "../bounds/make-room.ts";
import type { Directory } from "../discovery/directory.ts";
import type { Instance } from "../discovery/instance.ts";
import { staticInstance } from "../discovery/static-directory.ts";
import { fail } from "../errors.ts";
import type { Credentials as Prover } from "../identity/credentials.ts";
import type { Authenticator, Credentials } from "../rpc/authenticate.ts";
import { nobody } from "../rpc/authenticate.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { usualClientPolicy } from "./client-policy.ts";
import { localLanes } from "./lanes.ts";
import type { Network } from "./network.ts";
import { createNetwork } from "./network.ts";
import { processOf } from "./process-of.ts";

/**
 * Services that reach each other in one process, without sockets. Nothing else
 * is left out: messages are encoded, contracts enforced, callers checked. Who
 * calls is vouched for by this object instead of by tokens.
 */
export interface MemoryNetwork {
  /** Makes a service reachable. */
  attach(service: string, rpc: Rpc): void;
  /** What a service of this name sees of the others; its scopes are those of its contracts. */
  networkOf(service: string, scopes: readonly string[], telemetry: Telemetry): Network;
  /** A client whose calls are made by exactly this caller, with this metadata. */
  client<S extends DescService>(
    contract: S,
    telemetry: Telemetry,
    credentials: () => Credentials,
    headers?: Readonly<Record<string, string>>,
  ): Client<S>;
  readonly authenticate: Authenticator;
}

/** An instance, and the service itself. */
interface Hosted extends Instance {
  readonly rpc: Rpc;
}

const ticketHeader = "weft-in-memory";
/** Whoever is not here will not come. */
const policy = { ...usualClientPolicy, readyMs: 0 };

export function createMemoryNetwork(): MemoryNetwork {
  const attached = new Map<string, readonly [Hosted]>();
  // A ticket is good for one call, all its tries included, and never leaves the process.
  const tickets = new Map<string, Credentials>();

  const directory: Directory = {
    instances: (service) => attached.get(service) ?? none,
    watch: () => () => {},
    close: () => {},
  };
  // The directory knows no others.
  const openLanes = (instance: Instance) => localLanes((instance as Hosted).rpc);
  const ticketFor = (credentials: Credentials): readonly string[] => {
    const ticket = randomUUID();
    makeRoom(tickets, mostTickets);
    tickets.set(ticket, credentials);
    return [ticketHeader, ticket];
  };

  return {
    attach: (service, rpc) => {
      attached.set(service, [{ ...staticInstance(service, "127.0.0.1", 1), id: randomUUID(), rpc }]);
    },
    networkOf: (service, scopes, telemetry) => {
      const prove: Prover = (_callee, call) => {
        const user = call?.caller.user;
        const caller = { service: { name: service, scopes }, ...(user && { user }) };
        const fields = ticketFor({ caller, userToken: call?.userToken ?? "" });
        return { authorization: "", statement: "", fields };
      };
      const network = createNetwork({
        callerId: service,
        directory,
        telemetry,
        policy,
        openLanes,
        credentials: () => prove,
      });
      return {
        ...network,
        ping: async (contract) => {
          const { name } = processOf(contract);
          if (!attached.has(name)) throw fail.unavailable("not_hosted", `${name} is not hosted here`);
        },
      };
    },
    client: (contract, telemetry, credentials, { authorization = "", ...headers } = {}) => {
      const more = Object.entries(headers).flat();
      const prove: Prover = () => ({
        authorization,
        statement: "",
        fields: [...more, ...ticketFor(credentials())],
      });
      return createNetwork({
        callerId: "outside",
        directory,
        telemetry,
        policy,
        openLanes,
        credentials: () => prove,
      }).client(contract);
    },
    authenticate: (metadata) => tickets.get(metadata.header(ticketHeader) ?? "") ?? nobody,
  };
}

/** Far more than calls are made at once. */
const mostTickets = 10_000;
const none: readonly Instance[] = [];
