import type { Metrics } from "#mesh";

export type TokenKind = "access" | "refresh" | "service" | "statement";

/** What this service counts. */
export interface SecurityMetrics {
  issued(kind: TokenKind): void;
  /** A token was not given, or not believed. */
  refused(operation: string, reason: string): void;
  signIn(succeeded: boolean): void;
  threat(kind: string): void;
}

export function createSecurityMetrics(metrics: Metrics): SecurityMetrics {
  const issued = metrics.counter({
    name: "security_tokens_issued_total",
    help: "Tokens that were issued, by kind.",
    labels: ["kind"],
  });
  const refused = metrics.counter({
    name: "security_token_refusals_total",
    help: "Tokens that were not issued or not believed, by what was asked and why not.",
    labels: ["operation", "reason"],
  });
  const signIns = metrics.counter({
    name: "security_sign_ins_total",
    help: "Reported tries to sign in, by how they ended.",
    labels: ["outcome"],
  });
  const threats = metrics.counter({
    name: "security_threats_total",
    help: "Threats that were noticed, repeats included, by kind.",
    labels: ["kind"],
  });
  return {
    issued: (kind) => issued.inc({ kind }),
    refused: (operation, reason) => refused.inc({ operation, reason }),
    signIn: (succeeded) => signIns.inc({ outcome: succeeded ? "succeeded" : "failed" }),
    threat: (kind) => threats.inc({ kind }),
  };
}
