import { AsyncLocalStorage } from "node:async_hooks";
import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Policies } from "#mesh/contract/policy.ts";
import type { Authenticator, Credentials } from "#mesh/rpc/authenticate.ts";
import { peerKey } from "#mesh/rpc/record.ts";
import type { ClientOf } from "../edge/client-of.ts";
import { limited } from "../edge/limited.ts";
import { addressIdentity } from "../limits/address.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { LimitPolicy } from "../limits/policy.ts";

export interface StrangersOptions {
  readonly limiter: Limiter;
  readonly clientOf: ClientOf;
  readonly policiesOf: (method: DescMethod) => readonly LimitPolicy[];
}

/**
 * Counts, by address, callers by RPC who are not let in: by REST they are
 * counted too, and who guesses tokens must not be free to by the other door.
 */
export interface Strangers {
  /** The same handler; while it runs it is known who asks. */
  around(handler: UniversalHandler): UniversalHandler;
  /** The same authenticator; whom it does not know is counted, and told when it is too often. */
  counting(authenticate: Authenticator, policies: Policies): Authenticator;
}

interface Asked {
  readonly method: DescMethod;
  readonly request: UniversalServerRequest;
}

export function createStrangers({ limiter, clientOf, policiesOf }: StrangersOptions): Strangers {
  const asking = new AsyncLocalStorage<Asked>();

  const count = async ({ method, request }: Asked): Promise<void> => {
    const { address } = (request.contextValues ?? createContextValues()).get(peerKey);
    const client = clientOf(address, request.header.get("x-forwarded-for") ?? undefined);
    const decision = await limiter.take(addressIdentity(client), policiesOf(method), 1);
    if (!decision.allowed) throw limited(decision);
  };

  return {
    around(handler) {
      const { method } = handler;
      const run = (request: UniversalServerRequest) =>
        asking.run({ method, request }, () => handler(request));
      return Object.assign(run, {
        method,
        protocolNames: handler.protocolNames,
        service: handler.service,
        requestPath: handler.requestPath,
        allowedMethods: handler.allowedMethods,
        supportedContentType: handler.supportedContentType,
      });
    },

    counting: (authenticate, policies) => (metadata) => {
      const asked = asking.getStore();
      // Everybody may call what is public, and is counted when the call is let through.
      if (!asked || policies.get(asked.method)?.isPublic) return authenticate(metadata);
      const refused = async (thrown: unknown): Promise<never> => {
        if (ConnectError.from(thrown).code === Code.Unauthenticated) await count(asked);
        throw thrown;
      };
      const known = (credentials: Credentials): Credentials | Promise<Credentials> => {
        const { user, service } = credentials.caller;
        return user || service ? credentials : count(asked).then(() => credentials);
      };
      try {
        const credentials = authenticate(metadata);
        return credentials instanceof Promise ? credentials.then(known, refused) : known(credentials);
      } catch (thrown) {
        return refused(thrown);
      }
    },
  };
}
