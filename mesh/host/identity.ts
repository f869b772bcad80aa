import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Network } from "../client/network.ts";
import { tokenCredentials } from "../client/network.ts";
import { processOf } from "../client/process-of.ts";
import type { HealthChecks } from "../health/checks.ts";
import type { Credentials } from "../identity/credentials.ts";
import { createIssuerKeys } from "../identity/keys.ts";
import type { ServiceKey } from "../identity/service-key.ts";
import { loadServiceKey } from "../identity/service-key.ts";
import { watchStanding } from "../identity/standing.ts";
import { createVerifier } from "../identity/verifier.ts";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import { tokenAuthenticator } from "../rpc/authenticate.ts";
import type { ServiceDefinition } from "../service.ts";
import type { MeshConfig } from "./mesh-config.ts";

/** A service that calls nobody needs no key. */
export async function keyOf(
  definition: ServiceDefinition,
  config: MeshConfig,
): Promise<ServiceKey | undefined> {
  if (!definition.edge && Object.keys(definition.calls ?? {}).length === 0) return undefined;
  return loadServiceKey(definition.name, config.keyFile);
}

/** For a service that calls nobody but, as is found when it is set up, the queue, for its jobs. */
export async function lateProof(
  { name }: ServiceDefinition,
  { keyFile }: MeshConfig,
  { anonymousClient, client }: Network,
): Promise<Credentials> {
  const key = await loadServiceKey(name, keyFile);
  return tokenCredentials(key)({ anonymousClient, as: client });
}

/** Verifies tokens here, with the issuer's public keys and what it says has changed since. */
export async function authenticatorFor(
  service: string,
  network: Network,
  nats: Nats,
  health: HealthChecks,
  log: Logger,
): Promise<Authenticator> {
  const issuer = network.anonymousClient(TokenService);
  const keys = createIssuerKeys(issuer);
  // The issuer would wait for itself: its keys are asked for over the port that opens afterwards.
  const isIssuer = processOf(TokenService).name === service;
  const standing = await watchStanding(nats, log, keys, isIssuer ? { waitMs: 0 } : {});
  health.add({ name: "revocations", critical: false, check: standing.check });
  return tokenAuthenticator(createVerifier({ service, keys, standing }));
}
