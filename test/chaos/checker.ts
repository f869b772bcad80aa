import type { Operation } from "./history.ts";

/** What a consumer did for an event. */
export interface Effect {
  readonly eventId: string;
  readonly op: string;
  readonly aggregate: string;
  readonly version: number;
}

export interface ConsumerState {
  readonly name: string;
  /** In the order in which they were done. */
  readonly effects: readonly Effect[];
  readonly isOrdered: boolean;
  /** It cannot handle what is poisoned. */
  readonly refusesPoison: boolean;
  /** Not delivered to it, and delivered and not done. */
  readonly waiting: number;
  readonly inHand: number;
  readonly deadLetters: readonly Effect[];
  /** How far it is, for those who keep that themselves. */
  readonly position: number | undefined;
}

/** All that there is to see when everything has come to rest. */
export interface Facts {
  readonly operations: readonly Operation[];
  /** Version of each aggregate as its own service has it. */
  readonly versions: ReadonlyMap<string, number>;
  readonly outbox: number;
  readonly lastSequence: number;
  readonly consumers: readonly ConsumerState[];
}

export interface Complaint {
  readonly what: string;
  readonly where: string;
}

/** All that is wrong with a history; nothing when every promise was kept. */
export function check(facts: Facts): Complaint[] {
  return [
    ...wrongVersions(facts),
    ...(facts.outbox === 0 ? [] : [{ what: "the outbox is not empty", where: `${facts.outbox} wait` }]),
    ...facts.consumers.flatMap((consumer) => [
      ...wrongEffects(facts, consumer),
      ...wrongSets(facts, consumer),
      ...(consumer.isOrdered ? wrongOrder(consumer) : []),
      ...leftOver(facts, consumer),
    ]),
    ...differentEvents(facts),
  ];
}

/** Changes as the service that made them has them. */
function wrongVersions({ operations, versions }: Facts): Complaint[] {
  const seen = new Map<string, string>();
  return operations.flatMap(({ op, aggregate, outcome }) => {
    if (outcome.kind !== "acknowledged") return [];
    const { version } = outcome;
    const at = `${aggregate} ${version}`;
    const other = seen.get(at);
    seen.set(at, op);
    if (other !== undefined)
      return [{ what: "one version was given to two changes", where: `${at}: ${other}, ${op}` }];
    if (version <= (versions.get(aggregate) ?? 0)) return [];
    return [{ what: "an acknowledged change is lost", where: `${op}: ${at}` }];
  });
}

/** Each change by itself. */
function wrongEffects({ operations }: Facts, consumer: ConsumerState): Complaint[] {
  const { name } = consumer;
  const effects = Map.groupBy(consumer.effects, ({ op }) => op);
  const letters = Map.groupBy(consumer.deadLetters, ({ op }) => op);
  const complaints: Complaint[] = [];
  const known = new Set<string>();
  for (const { op, aggregate, isPoisoned, outcome } of operations) {
    known.add(op);
    const isDead = isPoisoned && consumer.refusesPoison;
    const [right, wrong] = isDead ? [letters, effects] : [effects, letters];
    const [noun, other] = isDead ? ["dead letter", "effect"] : ["effect", "dead letter"];
    const found = right.get(op) ?? [];
    const where = `${name}: ${op} of ${aggregate}`;
    const complain = (what: string) => complaints.push({ what, where });
    if (wrong.has(op)) complain(`a change has the ${other} that it must not have`);
    if (found.length > 1) complain(`a change has more than one ${noun}`);
    if (outcome.kind === "refused" && found.length > 0)
      complain(`a change that was never made has an ${noun}`);
    if (outcome.kind !== "acknowledged") continue;
    const [first] = found;
    if (!first) complain(`an acknowledged change has no ${noun}`);
    else if (
      first.aggregate !== aggregate ||
      first.version !== outcome.version ||
      first.eventId !== outcome.eventId
    )
      complain(`a change has the ${noun} of another`);
  }
  for (const op of new Set([...effects.keys(), ...letters.keys()])) {
    if (!known.has(op))
      complaints.push({ what: "something was done for what nobody tried", where: `${name}: ${op}` });
  }
  return complaints;
}

/** All changes of each aggregate together: those of which nobody knows whether they were made as well. */
function wrongSets({ versions }: Facts, consumer: ConsumerState): Complaint[] {
  const seen = new Map<string, Map<number, number>>();
  for (const { aggregate, version } of [...consumer.effects, ...consumer.deadLetters]) {
    const counts = seen.get(aggregate) ?? new Map<number, number>();
    seen.set(aggregate, counts.set(version, (counts.get(version) ?? 0) + 1));
  }
  const complaints: Complaint[] = [];
  const complain = (what: string, at: string) => complaints.push({ what, where: `${consumer.name}: ${at}` });
  for (const [aggregate, last] of versions) {
    const counts = seen.get(aggregate);
    for (let version = 1; version <= last; version++) {
      const count = counts?.get(version) ?? 0;
      if (count === 0) complain("a committed version was never told of", `${aggregate} ${version}`);
      if (count > 1) complain("a version was told of more than once", `${aggregate} ${version}`);
    }
  }
  for (const [aggregate, counts] of seen) {
    for (const version of counts.keys()) {
      if (version >= 1 && version <= (versions.get(aggregate) ?? 0)) continue;
      complain("something was done for a change that was not committed", `${aggregate} ${version}`);
    }
  }
  return complaints;
}

function wrongOrder({ name, effects }: ConsumerState): Complaint[] {
  const last = new Map<string, number>();
  return effects.flatMap(({ aggregate, version }) => {
    const before = last.get(aggregate) ?? 0;
    last.set(aggregate, version);
    if (version === before + 1) return [];
    const what = "the order of an aggregate is broken";
    return [{ what, where: `${name}: ${aggregate} has ${version} after ${before}` }];
  });
}

function leftOver({ lastSequence }: Facts, consumer: ConsumerState): Complaint[] {
  const { name, waiting, inHand, position } = consumer;
  const complaints: Complaint[] = [];
  const complain = (what: string, count: number) => complaints.push({ what, where: `${name}: ${count}` });
  if (waiting > 0) complain("events still wait for a consumer", waiting);
  if (inHand > 0) complain("events are still in the hands of a consumer", inHand);
  if (position !== undefined && position !== lastSequence)
    complain(`a consumer is not at the end of the stream, ${lastSequence}`, position);
  return complaints;
}

/** One change has one event, whoever got it. */
function differentEvents({ consumers }: Facts): Complaint[] {
  const events = new Map<string, string>();
  return consumers.flatMap(({ name, effects, deadLetters }) =>
    [...effects, ...deadLetters].flatMap(({ aggregate, version, eventId }) => {
      const at = `${aggregate} ${version}`;
      const other = events.get(at) ?? eventId;
      events.set(at, other);
      return other === eventId ? [] : [{ what: "one change has two events", where: `${name}: ${at}` }];
    }),
  );
}
