import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { eventSubject } from "#mesh/events/contract/subject.ts";
import type { Nats } from "#mesh/nats/nats.ts";
import { onConnection } from "#mesh/nats/on-connection.ts";
import { merge } from "./merge.ts";
import type { Place, Reading, Start } from "./reading.ts";
import { readStream } from "./reading.ts";
import type { StoredEvent } from "./stored-event.ts";
import { storedEventOf } from "./stored-event.ts";

export interface TailOptions {
  readonly nats: Nats;
  /** Such as `order.*`. */
  readonly subject: string;
  /** Nothing from before. */
  readonly since: Date | undefined;
  /** Of what was there, so many at most. Without it, all. */
  readonly last: number | undefined;
  /** Goes on with what comes. */
  readonly follow: boolean;
  readonly ending: AbortSignal;
  readonly show: (event: StoredEvent) => Promise<void>;
  /** Told when the broker goes away, and when it is back. */
  readonly tell: (text: string) => void;
}

/** What one tail goes about with. */
interface Means {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly filter: string;
  /** How far each stream was shown. */
  readonly places: Map<string, Place>;
}

/** How often to look for streams that are new. */
const lookMs = 500;

/** Shows events of all streams: those that are there in the order of their times, then each as it comes. */
export async function tail(options: TailOptions): Promise<void> {
  const { nats, subject, since, last, follow } = options;
  const means: Means = {
    js: jetstream(nats.connection),
    jsm: await jetstreamManager(nats.connection, { checkAPI: false }),
    filter: nats.subject(eventSubject(subject)),
    places: new Map(),
  };
  const readings = new Map<string, Reading>();
  try {
    for (const stream of await eventStreams(means, nats)) {
      const reading = await readStream({ ...means, stream, start: startOf(since, last) });
      means.places.set(stream, reading.place);
      readings.set(stream, reading);
    }
    await showStored(readings, means, options);
    if (follow) await showComing(readings, means, options);
  } finally {
    // Each asks the broker for more from time to time, which would hold the process.
    for (const reading of readings.values()) reading.close();
  }
}

function startOf(since: Date | undefined, last: number | undefined): Start {
  if (since) return { kind: "time", time: since };
  return last === undefined ? { kind: "sequence", sequence: 1 } : { kind: "last", count: last };
}

async function showStored(
  readings: ReadonlyMap<string, Reading>,
  { places }: Means,
  { nats, last, show }: TailOptions,
): Promise<void> {
  const sources = Array.from(readings, ([stream, reading]) => withStream(stream, reading.stored()));
  const kept: Found[] = [];
  const isFirst = (one: Found, other: Found) => one.message.timestampNanos < other.message.timestampNanos;
  for await (const found of merge(sources, isFirst)) {
    advance(places, found);
    if (last === undefined) await show(storedEventOf(found.message, found.stream, nats));
    else if (kept.push(found) > last) kept.shift();
  }
  for (const { stream, message } of kept) await show(storedEventOf(message, stream, nats));
}

/** A message with the stream that it came from. */
interface Found {
  readonly stream: string;
  readonly message: JsMsg;
}

async function* withStream(stream: string, messages: AsyncIterable<JsMsg>): AsyncIterable<Found> {
  for await (const message of messages) yield { stream, message };
}

function advance(places: Means["places"], { stream, message }: Found): void {
  const place = places.get(stream);
  if (place && message.seq > place.sequence) places.set(stream, { ...place, sequence: message.seq });
}

async function showComing(
  readings: Map<string, Reading>,
  means: Means,
  { nats, ending, show, tell }: TailOptions,
): Promise<void> {
  const { places } = means;
  const broken = Promise.withResolvers<never>();
  // Heard below, perhaps later than Node would wait for that.
  broken.promise.catch(() => {});
  let away = false;

  const run = async (stream: string, reading: Reading) => {
    for await (const message of reading.coming()) {
      if (ending.aborted) return;
      advance(places, { stream, message });
      await show(storedEventOf(message, stream, nats));
    }
    readings.delete(stream);
  };
  const begin = (stream: string, reading: Reading) => {
    readings.set(stream, reading);
    run(stream, reading).catch(broken.reject);
  };
  const look = async () => {
    for (const stream of await eventStreams(means, nats)) {
      if (readings.has(stream)) continue;
      const place = places.get(stream);
      const start: Start = place ? { kind: "again", place } : { kind: "sequence", sequence: 1 };
      const reading = await readStream({ ...means, stream, start });
      // What it has in store is shown as it comes.
      const { created } = reading.place;
      places.set(stream, { created, sequence: place?.created === created ? place.sequence : 0 });
      begin(stream, reading);
    }
  };

  // The broker may have come back without its readers, who would wait for ever.
  const forget = onConnection(nats, {
    back: () => {
      for (const reading of readings.values()) reading.close();
    },
  });
  for (const [stream, reading] of readings) begin(stream, reading);
  while (!ending.aborted) {
    try {
      await look();
      if (away) tell("NATS is back");
      away = false;
    } catch (error) {
      if (!away && !ending.aborted) tell(`NATS does not answer (${describe(error)}); waiting for it`);
      away = true;
    }
    const pause = sleep(lookMs, undefined, { signal: ending }).catch(() => {});
    await Promise.race([pause, broken.promise]);
  }
  forget();
}

const describe = (error: unknown) => (error instanceof Error ? error.message || error.name : String(error));

async function eventStreams({ jsm, filter }: Means, nats: Nats): Promise<string[]> {
  const names: string[] = [];
  for await (const name of jsm.streams.names(filter)) {
    if (name.startsWith(nats.nameOf("events_"))) names.push(name);
  }
  return names;
}
