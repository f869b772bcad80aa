import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { Severity, ThreatKind } from "#gen/security/v1/threats_pb.js";
import { mapping } from "./fact.ts";

export const securityFacts = [
  mapping(SecurityAlertSchema, ({ kind, severity, lastSeenAt }) => [
    {
      metric: "security_alerts",
      at: lastSeenAt,
      properties: {
        kind: (ThreatKind[kind] ?? "").toLowerCase(),
        severity: (Severity[severity] ?? "").toLowerCase(),
      },
    },
  ]),
];
