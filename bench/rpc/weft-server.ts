/** Weft's server: two instances in one process, so that it has no more of the machine than the others. */
import type { DescService } from "@bufbuild/protobuf";
import { TokenService } from "../../gen/security/v1/tokens_pb.js";
import { createNetwork } from "../../mesh/client/network.ts";
import { compilePolicies } from "../../mesh/contract/policy.ts";
import { createStaticDirectory } from "../../mesh/discovery/static-directory.ts";
import { createIssuerKeys } from "../../mesh/identity/keys.ts";
import { createVerifier } from "../../mesh/identity/verifier.ts";
import type { Handlers, Implementation } from "../../mesh/implementation.ts";
import { handlers } from "../../mesh/implementation.ts";
import { createAdaptiveLimit } from "../../mesh/resilience/adaptive-limit.ts";
import type { Authenticator } from "../../mesh/rpc/authenticate.ts";
import { nobody, tokenAuthenticator } from "../../mesh/rpc/authenticate.ts";
import { createRpc } from "../../mesh/rpc/rpc.ts";
import { openPort } from "../../mesh/server/port.ts";
import type { Setup } from "../../mesh/service.ts";
import { createTestIssuer } from "../../mesh/testing/issuer.ts";
import type { PeerOptions } from "../harness/orders.ts";
import { answers } from "./answers.ts";
import type { WeftOptions } from "./weft-options.ts";
import { readOptions } from "./weft-options.ts";
import { contractFor, seen } from "./weft-parts.ts";

/** Where the client finds everything. */
export interface WeftAddress {
  readonly security: string;
  readonly instances: readonly string[];
}

export async function startServer(given: PeerOptions) {
  const options = readOptions(given);
  const security = await openIssuer(options);
  const authenticate = options.tokens ? verifying(security, options) : trusting;
  const instances: string[] = [];
  const contract = contractFor(options);
  for (let count = options.balancing ? 2 : 1; count > 0; count--) {
    const implementation = handlers(contract, answers as Handlers<typeof contract>);
    instances.push(await open("bench", contract, [implementation], authenticate, options));
  }
  return { address: JSON.stringify({ security, instances } satisfies WeftAddress) };
}

/** The callee's service, as `hostService` sets it up, without the stores that it does not need. */
async function open(
  name: string,
  contract: DescService,
  implementations: readonly Implementation[],
  authenticate: Authenticator,
  options: WeftOptions,
): Promise<string> {
  const { log, telemetry } = seen(name, contract, options);
  const rpc = createRpc({
    implementations,
    policies: compilePolicies(name, [contract]),
    authenticate,
    telemetry,
    limit: createAdaptiveLimit({ methods: contract.methods.length, now: () => performance.now() }),
    log,
    stopping: new AbortController().signal,
  });
  const port = await openPort({ host: "127.0.0.1", port: 0, routes: new Map(), log, rpc });
  return `http://127.0.0.1:${port.port}`;
}

/** Signs the service tokens; called when they are renewed, and not for each call. */
async function openIssuer(options: WeftOptions): Promise<string> {
  const { definition } = await createTestIssuer();
  const { rpc } = await definition.setup({} as Setup<never, never>);
  return open("security", TokenService, rpc, async () => nobody, { ...options, accessLog: false });
}

function verifying(security: string, options: WeftOptions): Authenticator {
  const { telemetry } = seen("bench", TokenService, options);
  const directory = createStaticDirectory({ security });
  const issuer = createNetwork({ callerId: "bench", directory, telemetry }).anonymousClient(TokenService);
  const keys = createIssuerKeys(issuer);
  const standing = { isRevoked: () => false, current: <T>(user: T) => user };
  return tokenAuthenticator(createVerifier({ service: "bench", keys, standing }));
}

/** Takes everyone for the client of the benchmark. */
const trusting: Authenticator = () => trusted;
const trusted = { caller: { service: { name: "bench-client", scopes: [] } }, userToken: "" };
