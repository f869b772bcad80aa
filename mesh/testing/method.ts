import { compilePolicies } from "../contract/policy.ts";
import { handlers } from "../implementation.ts";
import type { AnsweredMethod } from "../rpc/method.ts";
import { answeredMethods } from "../rpc/method.ts";
import { ProbeService, usualHandlers } from "./probe.ts";

/** A method ready to be answered, for tests of what happens around it. */
export const echoMethod: AnsweredMethod = answeredMethods(
  [handlers(ProbeService, usualHandlers)],
  compilePolicies("probe", [ProbeService]),
).get(ProbeService.method.echo) as AnsweredMethod;
