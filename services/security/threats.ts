import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ThreatSchema, ThreatService } from "#gen/security/v1/threats_pb.js";
import type { Database, Handlers, Query } from "#mesh";
import { canonicalId, cleanText, decodePage, describeCaller, fail, paged, pagePart, pageSize } from "#mesh";
import type { AuditTrail } from "./audit-trail.ts";
import { ownEntry } from "./audit-trail.ts";
import { countLimitHits } from "./limit-hits-store.ts";
import { placeOf } from "./network.ts";
import type { SecurityMetrics } from "./security-metrics.ts";
import { historyBefore, insertSignIn, lockSignIns } from "./sign-ins-store.ts";
import type { ThreatLog } from "./threat-log.ts";
import { kindName } from "./threat-log.ts";
import type { Finding, SignIn } from "./threat-rules.ts";
import { judgeLimitHits, judgeSignIn } from "./threat-rules.ts";
import type { ThreatRow } from "./threats-store.ts";
import { findThreats, lockThreat, resolveThreat } from "./threats-store.ts";
import type { WriteStore } from "./write-store.ts";

export interface ThreatsDeps {
  db: Database;
  store: WriteStore;
  trail: AuditTrail;
  log: ThreatLog;
  metrics: SecurityMetrics;
  now: () => number;
}

export const threats = (deps: ThreatsDeps): Handlers<typeof ThreatService> => {
  const { db, store, trail, log, metrics, now } = deps;

  const raise = async (tx: Query, findings: readonly Finding[], requestId: string) => {
    for (const entry of await log.raise(tx, findings, requestId)) await trail.append(tx, entry);
  };

  return {
    async reportSignIn({ userId, account, client, succeeded }, { correlationId }) {
      const address = cleanText(client?.address ?? "");
      const signIn: SignIn = {
        userId: userId ? canonicalId(userId) : undefined,
        account: cleanText(account),
        address,
        network: placeOf(address),
        succeeded,
        timeMs: now(),
      };
      await store.write(async (tx) => {
        await lockSignIns(tx, signIn);
        const findings = judgeSignIn(signIn, await historyBefore(tx, signIn));
        await insertSignIn(tx, signIn);
        await raise(tx, findings, correlationId);
      });
      metrics.signIn(succeeded);
      return {};
    },

    async reportLimitHit({ identity, method, hits }, { correlationId }) {
      const subject = cleanText(identity);
      await store.write(async (tx) => {
        const total = await countLimitHits(tx, subject, hits, now());
        await raise(tx, judgeLimitHits(subject, total, cleanText(method)), correlationId);
      });
      return {};
    },

    async listThreats({ pageSize: wanted, pageToken, ...filter }) {
      const size = pageSize(wanted);
      const found = await findThreats(db.sql, { ...filter, before: idOf(pageToken) }, size + 1);
      const { rows, nextPageToken } = paged(found, size, ({ id }) => [id]);
      return { threats: rows.map(toThreat), nextPageToken };
    },

    async resolveThreat({ id, resolution }, call) {
      const threat = await store.write(async (tx) => {
        const present = await lockThreat(tx, id);
        // Said again, by a retry or by a second person: the first word stands.
        if (!present || present.resolvedAt) return present;
        const resolved = await resolveThreat(tx, id, cleanText(resolution), new Date(now()));
        await trail.append(tx, {
          ...ownEntry,
          actor: describeCaller(call.caller),
          action: "threat.resolve",
          resource: `threat/${present.id}`,
          requestId: call.correlationId,
          details: { kind: kindName(present.kind), resolution },
        });
        return resolved;
      });
      if (!threat) throw fail.notFound("threat_not_found", "no threat has this id");
      return { threat: toThreat(threat) };
    },
  };
};

const idOf = (pageToken: string): string | undefined => decodePage(pageToken, [pagePart.uuid])?.[0];

function toThreat(row: ThreatRow): MessageInitShape<typeof ThreatSchema> {
  const { firstSeenAt, lastSeenAt, resolvedAt, ...rest } = row;
  return {
    ...rest,
    firstSeenAt: timestampFromDate(firstSeenAt),
    lastSeenAt: timestampFromDate(lastSeenAt),
    ...(resolvedAt && { resolvedAt: timestampFromDate(resolvedAt) }),
  };
}
