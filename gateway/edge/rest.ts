import type { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { fail } from "#mesh";
import type { LiveCall } from "#mesh/call/live-call.ts";
import { codeName, toWireError } from "#mesh/errors.ts";
import type { CallRecord } from "#mesh/rpc/record.ts";
import { outlivesItsClient } from "../idempotency/request-key.ts";
import { addressIdentity } from "../limits/address.ts";
import type { Decision } from "../limits/decision.ts";
import { limitFactor } from "../limits/factor.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { Match } from "../routing/router.ts";
import type { Exchange } from "./exchange.ts";
import { limited } from "./limited.ts";
import { RestArrival } from "./rest-arrival.ts";
import type { EdgeRoute } from "./route.ts";

/** Answers requests by routes, once the route is found. */
export interface RestMeans {
  /** Nothing where limits are off. */
  readonly limiter: Limiter | undefined;
  /** Answers the call; what it throws is told to the caller. */
  readonly answer: (
    exchange: Exchange,
    match: Match<EdgeRoute>,
    call: LiveCall,
    query: string,
  ) => Promise<void>;
}

/** A request that has found its route: by the same door as every call, within its limits, to its answer. */
export async function answerByRoute(
  { limiter, answer }: RestMeans,
  exchange: Exchange,
  match: Match<EdgeRoute>,
  query: string,
): Promise<void> {
  const { request, response, ids, client } = exchange;
  const { method, intake, limits, service, forServices } = match.value;
  exchange.service = service;
  const peer = { address: client, protocol: `http/${request.httpVersion}` };
  const record: CallRecord = { method, startedAt: performance.now(), peer };
  let code = "ok";
  let isOver = false;
  try {
    const admitted = intake.admit(new RestArrival(request, ids), record);
    const call = admitted instanceof Promise ? await admitted : admitted;
    exchange.call = call;
    if (forServices && exchange.header("authorization") === undefined) throw serviceRequired(method.name);
    if (!outlivesItsClient(request, match.value)) {
      response.once("close", () => {
        if (!isOver) call.end(hungUp());
      });
    }
    if (limiter) {
      const { user } = call.caller;
      const identity = user ? `user:${user.id}` : addressIdentity(client);
      const taken = limiter.take(identity, limits, user ? limitFactor(user.roles) : 1);
      admit(exchange, taken instanceof Promise ? await taken : taken);
    }
    record.began = true;
    await answer(exchange, match, call, query);
    record.answered = true;
  } catch (thrown) {
    const error = await countRefusal(limiter, exchange, match.value, toWireError(thrown));
    record.error = error;
    code = codeName(error.code);
    await exchange.fail(error);
  } finally {
    isOver = true;
    intake.over(record, code);
  }
}

/** Who guesses tokens is slowed down like everybody else, by address. */
async function countRefusal(
  limiter: Limiter | undefined,
  exchange: Exchange,
  { limits }: EdgeRoute,
  error: ConnectError,
): Promise<ConnectError> {
  if (!limiter || error.code !== Code.Unauthenticated || exchange.decision) return error;
  const decision = await limiter.take(addressIdentity(exchange.client), limits, 1);
  exchange.decision = decision;
  return decision.allowed ? error : limited(decision);
}

function admit(exchange: Exchange, decision: Decision): void {
  exchange.decision = decision;
  if (!decision.allowed) throw limited(decision);
}

const hungUp = () => fail.canceled("canceled", "the client hung up");

const serviceRequired = (name: string) =>
  fail.unauthenticated("credentials_required", `${name} needs credentials`, {
    remedy: "only services of the mesh may call it, with a token for the service that answers",
  });
