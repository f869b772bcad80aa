import { fail } from "#mesh";
import type { LiveCall } from "#mesh/call/live-call.ts";
import { codeName, toWireError } from "#mesh/errors.ts";
import type { CallRecord } from "#mesh/rpc/record.ts";
import { outlivesItsClient } from "../idempotency/request-key.ts";
import type { Match } from "../routing/router.ts";
import type { Exchange } from "./exchange.ts";
import { RestArrival } from "./rest-arrival.ts";
import type { EdgeRoute } from "./route.ts";

/** Answers a request by its route; what it throws is told to the caller. */
export type AnswerRoute = (
  exchange: Exchange,
  match: Match<EdgeRoute>,
  call: LiveCall,
  query: string,
) => Promise<void>;

/** A request that has found its route: by the same door as every call, to its answer. */
export async function answerByRoute(
  answer: AnswerRoute,
  exchange: Exchange,
  match: Match<EdgeRoute>,
  query: string,
): Promise<void> {
  const { request, response, ids, client } = exchange;
  const { method, intake, service, forServices } = match.value;
  exchange.service = service;
  const peer = { address: client, protocol: `http/${request.httpVersion}` };
  const record: CallRecord = { method, startedAt: performance.now(), peer };
  const arrival = new RestArrival(request, ids);
  let code = "ok";
  let isOver = false;
  try {
    const admitted = intake.admit(arrival, record);
    const call = admitted instanceof Promise ? await admitted : admitted;
    exchange.call = call;
    exchange.decision = arrival.decision;
    if (forServices && exchange.header("authorization") === undefined) throw serviceRequired(method.name);
    if (!outlivesItsClient(request, match.value)) {
      response.once("close", () => {
        if (!isOver) call.end(hungUp());
      });
    }
    record.began = true;
    await answer(exchange, match, call, query);
    record.answered = true;
  } catch (thrown) {
    const error = toWireError(thrown);
    exchange.decision = arrival.decision;
    record.error = error;
    code = codeName(error.code);
    await exchange.fail(error);
  } finally {
    isOver = true;
    intake.over(record, code);
  }
}

const hungUp = () => fail.canceled("canceled", "the client hung up");

const serviceRequired = (name: string) =>
  fail.unauthenticated("credentials_required", `${name} needs credentials`, {
    remedy: "only services of the mesh may call it, with a token for the service that answers",
  });
