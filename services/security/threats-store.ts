import type { Severity, ThreatKind } from "#gen/security/v1/threats_pb.js";
import type { Query } from "#mesh";
import { lockNamed, newId, only } from "#mesh";
import type { Finding } from "./threat-rules.ts";
import { repeatMs } from "./threat-rules.ts";

export interface ThreatRow {
  readonly id: string;
  readonly kind: ThreatKind;
  readonly severity: Severity;
  readonly subject: string;
  readonly description: string;
  readonly occurrences: number;
  readonly firstSeenAt: Date;
  readonly lastSeenAt: Date;
  readonly resolvedAt: Date | null;
  readonly resolution: string;
}

export interface SavedThreat {
  readonly threat: ThreatRow;
  readonly isNew: boolean;
  /** It was seen before, and not this severe. */
  readonly isWorse: boolean;
}

/** Adds what was found to the open threat that it repeats, or makes a new one. */
export async function saveFinding(tx: Query, finding: Finding, nowMs: number): Promise<SavedThreat> {
  const { kind, severity, subject, description } = finding;
  const now = new Date(nowMs);
  // Two at once must not both find nothing to repeat.
  await lockNamed(tx, `threat ${kind} ${subject}`);
  const [repeated] = await tx<(ThreatRow & { was: Severity })[]>`
    update threats set
      occurrences = occurrences + 1,
      severity = greatest(threats.severity, ${severity}),
      description = case when ${severity} >= threats.severity then ${description} else description end,
      last_seen_at = greatest(last_seen_at, ${now})
    from (
      select id as repeated, severity as was from threats
      where subject = ${subject} and kind = ${kind} and resolved_at is null
        and last_seen_at > ${new Date(nowMs - repeatMs)}
      order by last_seen_at desc limit 1) before
    where id = repeated
    returning threats.*, was`;
  if (repeated) return { threat: repeated, isNew: false, isWorse: repeated.severity > repeated.was };
  const id = newId(nowMs);
  const made = await tx<ThreatRow[]>`
    insert into threats ${tx({ id, kind, severity, subject, description, occurrences: 1, firstSeenAt: now, lastSeenAt: now })}
    returning *`;
  return { threat: only(made), isNew: true, isWorse: false };
}

export interface ThreatFilter {
  readonly before: string | undefined;
  readonly kind: ThreatKind;
  readonly minSeverity: Severity;
  readonly includeResolved: boolean;
}

/** Newest first. */
export async function findThreats(query: Query, filter: ThreatFilter, limit: number): Promise<ThreatRow[]> {
  const { before, kind, minSeverity, includeResolved } = filter;
  return query<ThreatRow[]>`
    select * from threats
    where severity >= ${minSeverity}
      ${before ? query`and id < ${before}` : query``}
      ${kind ? query`and kind = ${kind}` : query``}
      ${includeResolved ? query`` : query`and resolved_at is null`}
    order by id desc limit ${limit}`;
}

export async function lockThreat(tx: Query, id: string): Promise<ThreatRow | undefined> {
  const [row] = await tx<ThreatRow[]>`select * from threats where id = ${id} for update`;
  return row;
}

export async function resolveThreat(
  tx: Query,
  id: string,
  resolution: string,
  now: Date,
): Promise<ThreatRow | undefined> {
  const [row] = await tx<ThreatRow[]>`
    update threats set resolved_at = ${now}, resolution = ${resolution} where id = ${id} returning *`;
  return row;
}
