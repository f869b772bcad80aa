import type { Endpoint } from "../../mesh/client/endpoint.ts";
import type { Endpoints } from "../../mesh/client/endpoints.ts";
import type { createFleet } from "./fleet.ts";

type Fleet = ReturnType<typeof createFleet>;

/** What is timed, by name: each does its work so many times. */
export type Work = Readonly<Record<string, (times: number) => void>>;

/** Random, but without the cost of chance within what is timed. */
function orderOf(below: number): Uint16Array {
  return Uint16Array.from({ length: 65_536 }, () => Math.floor(Math.random() * below));
}

/** What a call costs before and after its time on the wire. */
export function pickWork(endpoints: readonly Endpoints[]): Work {
  const order = orderOf(endpoints.length);
  const at = (i: number) => endpoints[order[i & 0xffff] ?? 0] as Endpoints;
  const [one] = endpoints as [Endpoints];
  const tried: Endpoint[] = [];
  /** Else the work could be left out. */
  const seen = { picks: 0 };
  const call = (from: Endpoints) => {
    const endpoint = from.pick();
    if (!endpoint) return;
    const { load, breaker, absence } = endpoint;
    const ticket = breaker.begin();
    load.begin();
    load.end(1);
    breaker.succeeded(ticket);
    absence.seen();
  };
  return {
    "pick, the same service": (times) => {
      for (let i = 0; i < times; i++) if (one.pick()) seen.picks++;
    },
    "pick, any service": (times) => {
      for (let i = 0; i < times; i++) if (at(i).pick()) seen.picks++;
    },
    "pick for a second try, any service": (times) => {
      for (let i = 0; i < times; i++) {
        const from = at(i);
        tried[0] = from.all[0] as Endpoint;
        if (from.pick(tried)) seen.picks++;
      }
    },
    "pick, begin, end, the same service": (times) => {
      for (let i = 0; i < times; i++) call(one);
    },
    "pick, begin, end, any service": (times) => {
      for (let i = 0; i < times; i++) call(at(i));
    },
  };
}

/** Some instances whose breakers are open, so that picks fall on those that are not. */
export function openBreakers(endpoints: readonly Endpoints[], ofEach: number): void {
  for (const { all } of endpoints) {
    for (const { breaker } of all.slice(0, ofEach)) {
      while (breaker.state === "closed") breaker.failed(breaker.begin());
    }
  }
}

/** What it costs to keep up with the mesh. */
export function updateWork(fleet: Fleet, endpoints: readonly Endpoints[]): Work {
  const { instances, view } = fleet;
  const order = orderOf(instances.length);
  const at = (i: number) => instances[order[i & 0xffff] ?? 0] as (typeof instances)[number];
  const byService = new Map(view.services().map((service, i) => [service, endpoints[i] as Endpoints]));
  const goAndCome = (i: number, seen: (service: string) => void) => {
    const instance = at(i);
    fleet.withdraw(instance);
    seen(instance.service);
    fleet.announce(instance);
    seen(instance.service);
  };
  return {
    "renewal without a change": (times) => {
      for (let i = 0; i < times; i++) fleet.announce(at(i));
    },
    "an instance goes and comes, known": (times) => {
      for (let i = 0; i < times; i++) goAndCome(i, () => {});
    },
    "an instance goes and comes, in use": (times) => {
      for (let i = 0; i < times; i++) goAndCome(i, (service) => void byService.get(service)?.pick());
    },
    "look for leases that are over": (times) => {
      for (let i = 0; i < times; i++) view.overdue(8);
    },
  };
}
