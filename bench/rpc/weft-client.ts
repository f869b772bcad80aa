/** Weft's client: the mesh's own, with a token, a breaker, a budget, a trace and a measurement for each call. */
import { UnsecuredJWT } from "jose";
import { createNetwork, tokenCredentials } from "../../mesh/client/network.ts";
import { createStaticDirectory } from "../../mesh/discovery/static-directory.ts";
import type { ServiceKey } from "../../mesh/identity/service-key.ts";
import type { PeerOptions } from "../harness/orders.ts";
import type { BenchClient } from "./client.ts";
import { benchClient } from "./es-client.ts";
import { readOptions } from "./weft-options.ts";
import { contractFor, seen } from "./weft-parts.ts";
import type { WeftAddress } from "./weft-server.ts";

const caller = "bench-client";

/** The issuer of the benchmark believes who calls; what it issues is signed and verified as ever. */
const key: ServiceKey = { assertion: async () => new UnsecuredJWT({ sub: caller }).encode() };

export async function startClient(address: string, given: PeerOptions): Promise<BenchClient<bigint>> {
  const options = readOptions(given);
  const { security, instances } = JSON.parse(address) as WeftAddress;
  const contract = contractFor(options);
  const network = createNetwork({
    callerId: caller,
    directory: createStaticDirectory({ security, bench: instances.join("|") }),
    telemetry: seen(caller, contract, options).telemetry,
    ...(options.tokens && { credentials: tokenCredentials(key) }),
  });
  return benchClient(network.client(contract));
}
