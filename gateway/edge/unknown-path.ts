import { fail } from "#mesh";
import { answerUnknown } from "#mesh/server/unknown.ts";
import type { Snapshot } from "../served/snapshot.ts";
import type { Exchange } from "./exchange.ts";
import { failureOf } from "./failure.ts";

/** Answers a path that has no route for this verb: with those it has, or that it has none. */
export function answerNoRoute(
  exchange: Exchange,
  { router }: Snapshot,
  verb: string,
  path: string,
): void | Promise<void> {
  const { request, response } = exchange;
  const verbs = router.verbs(path);
  if (verbs.length === 0) {
    // In the protocol of the question, for those who call by RPC.
    if (isRpc(exchange)) {
      exchange.greet();
      return answerUnknown(request, response);
    }
    return exchange.fail(
      fail.notFound("route_not_found", `nothing is served at ${path.slice(0, 200)}`, {
        remedy: "see /api/docs for what is",
      }),
    );
  }
  const allow = [...verbs, "OPTIONS"].join(", ");
  if (verb === "OPTIONS") {
    exchange.noContent(["allow", allow]);
    return undefined;
  }
  return exchange.refuse(failureOf(wrongVerb(verb, allow), "gateway"), ["allow", allow]);
}

/** `/package.Service/Method` is nobody's page. */
const isRpc = (exchange: Exchange) =>
  /^application\/(grpc|proto|connect)/.test(exchange.header("content-type") ?? "") ||
  exchange.header("connect-protocol-version") !== undefined ||
  // A GET says it in its query.
  /[?&]connect=v1(&|$)/.test(exchange.request.url ?? "");

const wrongVerb = (verb: string, allow: string) =>
  fail.unimplemented("method_not_allowed", `${verb.slice(0, 20)} is not among ${allow}`);
