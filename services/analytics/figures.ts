import type { Query } from "#mesh";
import type { BucketName } from "./buckets.ts";
import { bucketStarts } from "./buckets.ts";
import { tooManyPoints } from "./refusals.ts";
import type { SumRow } from "./rollups-store.ts";
import { sumsOf } from "./rollups-store.ts";
import type { Span } from "./span.ts";

export interface Point {
  readonly fromMs: number;
  readonly count: bigint;
  readonly sum: number;
  readonly minorUnits: bigint;
}

export interface Series {
  readonly name: string;
  readonly currency: string;
  readonly count: bigint;
  /** Of values without a currency. */
  readonly sum: number;
  /** Of money: a double would lose digits. */
  readonly minorUnits: bigint;
  readonly countBefore: bigint;
  readonly sumBefore: number;
  readonly minorUnitsBefore: bigint;
  readonly points: readonly Point[];
}

export const mostPoints = 2000;
/** Of all series together, so that they fit into an answer. */
const mostInAll = 40_000;

export interface FiguresWanted {
  readonly ownerId: string;
  readonly subject?: readonly [type: string, id: string];
  readonly metrics?: readonly string[];
  /** Shown with zeros when nothing was counted. */
  readonly always?: readonly string[];
  readonly span: Span;
  readonly bucket: BucketName;
}

export async function figuresFor(query: Query, wanted: FiguresWanted): Promise<Series[]> {
  const {
    ownerId,
    subject: [subjectType, subjectId] = ["", ""],
    metrics,
    always = [],
    span,
    bucket,
  } = wanted;
  const { fromMs, untilMs, timeZone } = span;
  const starts = bucketStarts(fromMs, untilMs, bucket, timeZone);
  if (starts.length > mostPoints) throw tooManyPoints(mostPoints);
  const rows = await sumsOf(query, {
    ownerId,
    subjectType,
    subjectId,
    metrics,
    before: new Date(fromMs - (untilMs - fromMs)),
    starts: starts.map((ms) => new Date(ms)),
    until: new Date(untilMs),
    limit: mostInAll + 1,
  });
  const groups = groupsOf(rows, always);
  if (rows.length > mostInAll || groups.size * starts.length > mostInAll) throw tooManyPoints(mostInAll);
  return seriesOf(groups, starts);
}

const keyOf = (name: string, currency: string) => `${name} ${currency}`;

/** What was counted, by name and currency. */
function groupsOf(rows: readonly SumRow[], always: readonly string[]): Map<string, SumRow[]> {
  const groups = Map.groupBy(rows, ({ metric, currency }) => keyOf(metric, currency));
  const counted = new Set(rows.map(({ metric }) => metric));
  for (const name of always) if (!counted.has(name)) groups.set(keyOf(name, ""), []);
  return groups;
}

/** Series without gaps. */
function seriesOf(groups: ReadonlyMap<string, readonly SumRow[]>, starts: readonly number[]): Series[] {
  return [...groups.keys()].sort().map((key) => {
    const [name = "", currency = ""] = key.split(" ");
    const byPoint = new Map((groups.get(key) ?? []).map((row) => [row.at, row]));
    const points = starts.map((fromMs, at) => {
      const { count = 0n, sum = 0, minorUnits = 0n } = byPoint.get(at + 1) ?? {};
      return { fromMs, count, sum, minorUnits };
    });
    const before = byPoint.get(0);
    return {
      name,
      currency,
      count: points.reduce((all, { count }) => all + count, 0n),
      sum: points.reduce((all, { sum }) => all + sum, 0),
      minorUnits: points.reduce((all, { minorUnits }) => all + minorUnits, 0n),
      countBefore: before?.count ?? 0n,
      sumBefore: before?.sum ?? 0,
      minorUnitsBefore: before?.minorUnits ?? 0n,
      points,
    };
  });
}
