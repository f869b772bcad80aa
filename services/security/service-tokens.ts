import { Outcome } from "#gen/security/v1/audit_pb.js";
import type { Call, Database } from "#mesh";
import { fail } from "#mesh";
import type { Refused } from "./assertion.ts";
import { readAssertion } from "./assertion.ts";
import { useAssertion } from "./assertions-store.ts";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { createSampler } from "./sampler.ts";
import type { SecurityMetrics } from "./security-metrics.ts";
import type { Signed, SignedTokens } from "./signed-tokens.ts";
import type { Trust } from "./trust.ts";

export interface ServiceTokensOptions {
  db: Database;
  trust: Trust;
  tokens: SignedTokens;
  trail: AuditTrail;
  metrics: SecurityMetrics;
  lifetimes: Lifetimes;
  now: () => number;
}

/** Refusals that somebody must look at: the others are slips, these are attempts. */
const audited: ReadonlySet<string> = new Set(["bad_signature", "replayed"]);

/** Anybody can make us refuse, so refusals must not fill a record that is kept for ever. */
const auditEveryMs = 10_000;

/** Gives services their tokens, against assertions signed with their own keys. */
export function createServiceTokens(options: ServiceTokensOptions) {
  const { db, trust, tokens, trail, metrics, lifetimes, now } = options;
  const sampler = createSampler({ everyMs: auditEveryMs, now });

  const check = async (assertion: string) => {
    const read = await readAssertion(assertion, trust, now());
    if (!read.ok) return read;
    const { service, jti, forgetMs } = read;
    const fresh = await useAssertion(db.sql, service, jti, new Date(forgetMs));
    return fresh ? read : ({ ok: false, problem: "replayed", service } satisfies Refused);
  };

  const refuse = async ({ problem, service }: Refused, call: Call): Promise<Error> => {
    metrics.refused("service_token", problem);
    call.log.warn({ problem, claimed: service }, "assertion refused");
    const held = service && audited.has(problem) ? sampler.admit(`${service} ${problem}`) : undefined;
    if (held !== undefined) {
      await trail.tryRecord({
        ...ownEntry,
        actor: `service:${service}`,
        action: "assertion.refuse",
        resource: `service/${service}`,
        outcome: Outcome.DENIED,
        requestId: call.correlationId,
        details: {
          problem,
          address: call.client.address,
          ...(held > 0 && { unrecorded_before: String(held) }),
        },
      });
    }
    // One answer for all: whoever tries must not learn how far it came.
    return fail.unauthenticated("bad_assertion", "the assertion is not accepted", {
      remedy:
        "sign a new one with the service's own key, and see that the trust file has its public part; the log of security says why",
    });
  };

  return {
    async issue(
      assertion: string,
      audience: string,
      call: Call,
    ): Promise<Signed & { scopes: readonly string[] }> {
      // Before the assertion is used up: were there no key to sign with, it would be used for nothing.
      await tokens.ready();
      const checked = await check(assertion);
      if (!checked.ok) throw await refuse(checked, call);
      const { service, trusted } = checked;
      const signed = await tokens.service(service, audience, trusted.scopes, now() + lifetimes.serviceMs);
      metrics.issued("service");
      return { ...signed, scopes: trusted.scopes };
    },
  };
}

export type ServiceTokens = ReturnType<typeof createServiceTokens>;
