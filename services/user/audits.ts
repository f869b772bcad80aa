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
export interface Audit {
  /** For signing in, which must not wait for the record: dropped when there is no room for it. */
  signIn(call: Call, entry: AuditedAction): void;
  /** For all else: acts when there is room for an entry. Of each action there is one entry or none. */
  during<T>(call: Call, action: (record: (entry: AuditedAction) => void) => Promise<T>): Promise<T>;
}

export function createAudit(reports: Reports, security: Security): Audit {
  const write = (
    call: Call,
    { action, resource, outcome = Outcome.ALLOWED, actor, details = {} }: AuditedAction,
  ) =>
    security.audit.recordAudit({
      actor: actor ?? describeCaller(call.caller),
      action,
      resource,
      outcome,
      details,
    });

  return {
    signIn: (call, entry) => reports.send("sign_in_audit", call, () => write(call, entry)),
    during: (call, action) =>
      reports.during("audit", call, (send) => action((entry) => send(() => write(call, entry)))),
  };
}
