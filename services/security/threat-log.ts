import { Outcome } from "#gen/security/v1/audit_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { Severity, ThreatKind } from "#gen/security/v1/threats_pb.js";
import type { Events, Query } from "#mesh";
import type { NewEntry } from "./audit-trail.ts";
import type { SecurityMetrics } from "./security-metrics.ts";
import { alertOf } from "./threat-alert.ts";
import type { Finding } from "./threat-rules.ts";
import { saveFinding } from "./threats-store.ts";

/** Where findings become threats. */
export interface ThreatLog {
  /** Keeps what was found; answers what the audit record must hold of it, to be added last in the transaction. */
  raise(tx: Query, findings: readonly Finding[], requestId: string): Promise<NewEntry[]>;
}

export interface ThreatLogOptions {
  events: Events;
  metrics: SecurityMetrics;
  now: () => number;
}

export function createThreatLog({ events, metrics, now }: ThreatLogOptions): ThreatLog {
  return {
    async raise(tx, findings, requestId) {
      const entries: NewEntry[] = [];
      for (const finding of findings) {
        const { threat, isNew, isWorse } = await saveFinding(tx, finding, now());
        if (isNew || isWorse) await events.publish(SecurityAlertSchema, alertOf(threat), tx);
        const kind = kindName(finding.kind);
        metrics.threat(kind);
        // A repeat is counted in the threat itself.
        if (isNew) entries.push(entryOf(threat.id, kind, finding, requestId));
      }
      return entries;
    },
  };
}

const entryOf = (id: string, kind: string, finding: Finding, requestId: string): NewEntry => ({
  service: "security",
  actor: finding.subject,
  action: "threat.raise",
  resource: `threat/${id}`,
  outcome: Outcome.ALLOWED,
  requestId,
  details: {
    kind,
    severity: Severity[finding.severity].toLowerCase(),
    description: finding.description,
  },
});

/** As metrics and the record spell it: `brute_force`. */
export const kindName = (kind: ThreatKind): string => ThreatKind[kind].toLowerCase();
