import type { StreamPlan } from "../../nats/streams.ts";
import type { EventType } from "./event-type.ts";
import { eventSubject } from "./subject.ts";

/** The streams that keep these events. */
export function streamsOf(types: readonly EventType[]): StreamPlan[] {
  const groups = Map.groupBy(types, ({ stream }) => stream);
  return [...groups].map(([name, group]) => ({
    name,
    subjects: [...new Set(group.map(({ subject }) => eventSubject(subject)))],
  }));
}
