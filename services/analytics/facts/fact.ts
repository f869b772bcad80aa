import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Money } from "#gen/common/v1/money_pb.js";
import { canonicalId, cleanText, derivedId, pagePart } from "#mesh";

/** One thing that happened, to be counted. */
export interface Fact {
  readonly id: string;
  readonly occurredAt: Date;
  readonly metric: string;
  /** Who did it. */
  readonly userId: string | null;
  /** Who may see it among theirs. */
  readonly ownerId: string | null;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly currency: string;
  readonly amount: bigint | null;
  readonly value: number | null;
  readonly tags: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}

/** What a message of an event says of a fact. */
export interface Said {
  readonly metric: string;
  readonly at: Timestamp | undefined;
  readonly userId?: string;
  readonly ownerId?: string;
  readonly subject?: readonly [type: string, id: string];
  readonly amount?: Money | undefined;
  readonly value?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** How messages of one kind become facts. */
export interface Mapping {
  readonly schema: DescMessage;
  readonly facts: (message: never) => readonly Said[];
}

export const mapping = <D extends DescMessage>(
  schema: D,
  facts: (message: MessageShape<D>) => readonly Said[],
): Mapping => ({ schema, facts });

export const idOrNull = (id: string | undefined): string | null =>
  id && pagePart.uuid.test(id) ? canonicalId(id) : null;

/** Ids of subjects may be of any kind; those that are UUIDs are compared with ours. */
export const subjectIdOf = (id: string): string => idOrNull(id) ?? id;

/** The id that belongs to these words: nobody can take that of another. */
export const idOf = (...words: readonly string[]): string => derivedId(JSON.stringify(words));

/** Clocks of services differ by seconds; a time beyond this is none. */
const mostAheadMs = 24 * 60 * 60_000;

/**
 * The facts of one event. The first has the event's id and each further one an
 * id that follows from it, so they are the same whenever the event comes.
 */
export function factsOf(
  said: readonly Said[],
  { id, time }: { readonly id: string; readonly time: Date },
): Fact[] {
  return said.map((it, at) => {
    const ms = it.at ? timestampMs(it.at) : Number.NaN;
    const isTime = ms > 0 && ms <= time.getTime() + mostAheadMs;
    const [subjectType = "", subjectId = ""] = it.subject ?? [];
    return {
      id: at === 0 ? canonicalId(id) : idOf(id, `${at}`),
      occurredAt: isTime ? new Date(Math.trunc(ms)) : time,
      metric: it.metric,
      userId: idOrNull(it.userId),
      ownerId: idOrNull(it.ownerId),
      ...(subjectId === "" ? { subjectType: "", subjectId: "" } : { subjectType, subjectId }),
      currency: it.amount?.currency ?? "",
      amount: it.amount?.minorUnits ?? null,
      value: it.value ?? null,
      tags: [],
      properties: Object.fromEntries(
        Object.entries(it.properties ?? {})
          .filter(([, value]) => value !== "")
          .map(([name, value]) => [name, cleanText(value)]),
      ),
    };
  });
}
