import { Outcome } from "#gen/security/v1/audit_pb.js";
import type { Call } from "#mesh";
import { describeCaller } from "#mesh";
import type { Reports } from "./reports.ts";
import type { Security } from "./security.ts";

export interface AuditedAction {
  /** Such as `user.login`. */
  readonly action: string;
  /** Such as `team/0190…`. */
  readonly resource: string;
  readonly outcome?: Outcome;
  /** The caller, unless the action itself makes known who acts. */
  readonly actor?: string;
  /** No personal data: the record never forgets. */
  readonly details?: Record<string, string>;
}

/** Puts what happened on the record. */
export type Audit = (call: Call, action: AuditedAction) => void;

export function createAudit(reports: Reports, security: Security): Audit {
  return (call, { action, resource, outcome = Outcome.ALLOWED, actor, details = {} }) =>
    reports.send("audit", call, () =>
      security.audit.recordAudit({
        actor: actor ?? describeCaller(call.caller),
        action,
        resource,
        outcome,
        details,
      }),
    );
}
