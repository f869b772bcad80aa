import type { DescService } from "@bufbuild/protobuf";
import type { Client, Transport } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Environment } from "#mesh/config/read.ts";
import { readConfig } from "#mesh/config/read.ts";
import { serviceOf } from "#mesh/contract/options.ts";
import { fail } from "#mesh/errors.ts";
import { meshFields } from "#mesh/host/mesh-config.ts";
import { patienceMs, serviceToken, transportTo } from "./client.ts";
import { operator } from "./keys.ts";
import type { PlatformState } from "./state.ts";
import { readState } from "./state.ts";
import type { Workspace } from "./workspace.ts";

/** Calls a service of the platform as its operator, with the key in this checkout. */
export async function asOperator<S extends DescService>(
  contract: S,
  workspace: Workspace,
  env: Environment = process.env,
): Promise<Client<S>> {
  const state = await readState(workspace);
  const { name: callee, url } = placeOf(contract, state, env);
  const security = placeOf(TokenService, state, env);
  const token = await explained(security, () =>
    serviceToken({ workspace, securityUrl: security.url, name: operator.name, callee }),
  );
  const headers = { authorization: `Bearer ${token}` };
  const transport = transportTo(url, headers, { timeoutMs: patienceMs });
  return createClient(contract, explaining({ name: callee, url }, transport));
}

/** The same transport; who gets no answer is told by whom. Around it, for an interceptor hears of no deadline. */
export function explaining(place: Place, transport: Transport): Transport {
  return {
    unary: (...call) => explained(place, () => transport.unary(...call)),
    stream: (...call) => explained(place, () => transport.stream(...call)),
  };
}

interface Place {
  readonly name: string;
  readonly url: string;
}

/** As WEFT_ENDPOINTS says, else the platform that runs here. */
function placeOf(contract: DescService, state: PlatformState | undefined, env: Environment): Place {
  const { WEFT_ENDPOINTS } = meshFields;
  const { WEFT_ENDPOINTS: endpoints } = readConfig({ WEFT_ENDPOINTS }, env);
  const { name = "" } = serviceOf(contract) ?? {};
  // Any of several copies will do.
  const url = endpoints[name]?.split("|")[0] ?? state?.services[name]?.url;
  if (url) return { name, url };
  throw fail.unavailable("not_running", `no ${name} service runs in this checkout`, {
    remedy: "start it with `npm start`, or name that of another platform in WEFT_ENDPOINTS",
  });
}

/** What nobody answered names neither service nor place; what a service said does. */
async function explained<T>({ name, url }: Place, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const error = ConnectError.from(cause);
    const isSilence = error.code === Code.Unavailable || error.code === Code.DeadlineExceeded;
    if (!isSilence || error.findDetails(ErrorInfoSchema).length > 0) throw cause;
    throw fail.unavailable("no_answer", `the ${name} service does not answer at ${url}`, {
      remedy: `see \`weft status\` and \`weft logs ${name}\`; WEFT_ENDPOINTS says where the services of another platform are`,
      cause,
    });
  }
}
