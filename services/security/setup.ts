import { AuditService } from "#gen/security/v1/audit_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { UserDeletedSchema } from "#gen/user/v1/events_pb.js";
import type { TeamService } from "#gen/user/v1/team_pb.js";
import type { ConfigOf, Running, Setup } from "#mesh";
import { handlers, on } from "#mesh";
import { createAnnouncer } from "./announcer.ts";
import { audit } from "./audit.ts";
import { createAuditAnchor } from "./audit-anchor.ts";
import { genesis } from "./audit-chain.ts";
import { recordId } from "./audit-store.ts";
import { createAuditTrail } from "./audit-trail.ts";
import type { securityFields } from "./config.ts";
import { createKeyring } from "./keyring.ts";
import type { Lifetimes } from "./lifetimes.ts";
import { longestLifeMs } from "./lifetimes.ts";
import { deriveKey } from "./master-key.ts";
import { permissions } from "./permissions.ts";
import { startPurge } from "./purge.ts";
import { createRoleChanges } from "./role-changes.ts";
import { startRotation } from "./rotation.ts";
import { createSecurityMetrics } from "./security-metrics.ts";
import { createServiceTokens } from "./service-tokens.ts";
import { createSessions } from "./sessions.ts";
import { createSignedTokens } from "./signed-tokens.ts";
import { createThreatLog } from "./threat-log.ts";
import { threats } from "./threats.ts";
import { tokens } from "./tokens.ts";
import { openTrust } from "./trust.ts";
import { createWriteStore } from "./write-store.ts";

type Given = Setup<{ teams: typeof TeamService }, typeof securityFields>;

/** Wires stores and policies into the handlers, and starts what runs beside them. */
export async function setUp({
  db,
  nats,
  calls,
  events,
  config,
  log,
  metrics: all,
  health,
  stopping,
}: Given): Promise<Running> {
  const now = () => Date.now();
  const lifetimes = lifetimesOf(config);
  const rotationMs = config.SECURITY_KEY_ROTATION;
  const metrics = createSecurityMetrics(all);
  const trust = await openTrust({ file: config.SECURITY_TRUST_FILE, log, now });
  const record = await recordId(db.sql);

  const keyring = createKeyring({
    db,
    rowKeys: {
      encryption: deriveKey(config.SECURITY_MASTER_KEY, "signing keys"),
      seal: deriveKey(config.SECURITY_MASTER_KEY, "signing key seals"),
    },
    rotationMs,
    longestLifeMs: longestLifeMs(lifetimes),
    log,
    now,
  });
  const signed = createSignedTokens(keyring, now);

  const anchor = createAuditAnchor({ db, nats, recordId: record, log, stopping });
  const announcer = createAnnouncer({
    db,
    nats,
    sign: ({ key, value, changedAt }) => signed.standing(key, value, changedAt.getTime()),
    log,
    stopping,
    now,
  });
  const store = createWriteStore(db, [announcer, anchor]);
  const auditKey = deriveKey(config.SECURITY_MASTER_KEY, "audit record");
  const trail = createAuditTrail({
    db,
    key: auditKey,
    start: genesis(auditKey, record),
    store,
    anchor,
    log,
    now,
  });

  const rotation = await startRotation({ keyring, store, trail, rotationMs, log, stopping });
  const threatLog = createThreatLog({ events, metrics, now });
  const sessions = createSessions({
    store,
    tokens: signed,
    threats: threatLog,
    audit: trail,
    lifetimes,
    now,
  });
  const serviceTokens = createServiceTokens({ db, trust, tokens: signed, trail, metrics, lifetimes, now });
  const changes = createRoleChanges({ store, audit: trail, now });
  const purge = startPurge({ db, log, stopping, now });

  health.add({ name: "signing_key", critical: true, check: () => keyring.check() });
  // Decided without these; but somebody should know.
  health.add({ name: "announcements", critical: false, check: () => announcer.check() });
  health.add({ name: "audit_record", critical: false, check: () => anchor.check() });

  return {
    rpc: [
      handlers(
        TokenService,
        tokens({ db, store, keyring, rotation, signed, sessions, serviceTokens, trail, metrics, now }),
      ),
      handlers(PermissionService, permissions({ db, calls, changes, trail, now })),
      handlers(AuditService, audit({ db, trail })),
      handlers(ThreatService, threats({ db, store, trail, log: threatLog, metrics, now })),
    ],
    on: [
      // The user service asks for it as well; whichever is first, nobody keeps roles without an account.
      on(UserDeletedSchema, ({ userId }, { tx, call }) => changes.forgetWithin(tx, userId, call)),
    ],
    stop: async () => {
      await Promise.all([anchor, announcer, rotation, purge].map(({ ended }) => ended));
    },
  };
}

const lifetimesOf = (config: ConfigOf<typeof securityFields>): Lifetimes => ({
  accessMs: config.SECURITY_ACCESS_TTL,
  serviceMs: config.SECURITY_SERVICE_TTL,
  idleMs: config.SECURITY_SESSION_IDLE,
  sessionMs: config.SECURITY_SESSION_MAX,
});
