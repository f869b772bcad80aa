import { ConnectError } from "@connectrpc/connect";
import { JetStreamApiError, JetStreamError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import type { Environment } from "#mesh/config/read.ts";
import { readConfig } from "#mesh/config/read.ts";
import { fail } from "#mesh/errors.ts";
import { meshFields } from "#mesh/host/mesh-config.ts";
import { createLogger } from "#mesh/log/logger.ts";
import type { Nats } from "#mesh/nats/nats.ts";
import { connectNats } from "#mesh/nats/nats.ts";
import { readState } from "./state.ts";
import type { Workspace } from "./workspace.ts";

/** Where a platform has its broker. The address holds a password: show it to nobody. */
export interface BrokerPlace {
  readonly url: string;
  readonly namespace: string;
}

/** A server that is just being restarted is worth so long a wait. */
const waitMs = 2000;

/** The broker that NATS_URL names, else that of the platform that runs in this checkout. */
async function findBroker(
  workspace: Workspace,
  env: Environment = process.env,
): Promise<BrokerPlace | undefined> {
  const { NATS_URL, WEFT_NAMESPACE } = meshFields;
  const config = readConfig({ NATS_URL, WEFT_NAMESPACE }, env);
  if (config.NATS_URL) return { url: config.NATS_URL.href, namespace: config.WEFT_NAMESPACE };
  return (await readState(workspace))?.broker;
}

/** Works with the broker itself, past all services; what fails there is told as a failure of the broker. */
export async function withBroker<T>(workspace: Workspace, work: (nats: Nats) => Promise<T>): Promise<T> {
  const place = await findBroker(workspace);
  if (!place) {
    throw fail.unavailable("not_running", "nothing runs in this checkout", {
      remedy: "start it with `npm start`, or name the broker of another platform with NATS_URL",
    });
  }
  return onBroker(place, work);
}

/** The same where the place is known. */
export async function onBroker<T>(place: BrokerPlace, work: (nats: Nats) => Promise<T>): Promise<T> {
  const nats = await connectNats({ ...place, name: "weft", log: silent, waitMs });
  try {
    return await work(nats);
  } catch (error) {
    throw isOfBroker(error) ? failed(error) : error;
  } finally {
    // Not drained: that waits for the server, which may be what is wrong.
    await nats.connection.close();
  }
}

/** Lines that services would log; here the command says itself what matters. */
const silent = createLogger({
  service: "weft",
  level: "silent",
  contracts: [],
  destination: { write: () => {} },
});

const kinds = [JetStreamApiError, JetStreamError, ...Object.values(errors)];

const isOfBroker = (error: unknown): error is Error =>
  !(error instanceof ConnectError) && kinds.some((kind) => error instanceof kind);

function failed(cause: Error): Error {
  const why = cause.message || cause.name;
  return fail.unavailable("broker_failed", `NATS did not do what was asked of it: ${why}`, {
    remedy: "see `weft status` and `weft logs nats`; JetStream must be on",
    cause,
  });
}
