import type { DescMessage, DescService } from "@bufbuild/protobuf";
import type { Events, Handlers, ServiceDefinition } from "#mesh";
import { defineService, fail, handlers } from "#mesh";

export interface Teller {
  readonly definition: ServiceDefinition;
  readonly tell: Events["publish"];
}

/** Stands for another service: tells the events that a test says, and answers what it is given. */
export function teller(
  name: string,
  contracts: readonly DescService[],
  publishes: readonly DescMessage[],
  answers: object = {},
): Teller {
  let events: Events | undefined;
  const refuse = () => Promise.reject(fail.unimplemented("not_here", "this is a test"));
  const all = new Proxy(answers, { get: (target, key) => Reflect.get(target, key) ?? refuse });
  const definition = defineService({
    name,
    contracts,
    publishes,
    setup: (given) => {
      events = given.events;
      return { rpc: contracts.map((it) => handlers(it, all as Handlers<DescService>)) };
    },
  });
  return { definition, tell: ((...args) => events!.publish(...args)) as Events["publish"] };
}
