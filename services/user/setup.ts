import { availableParallelism } from "node:os";
import { AudienceService } from "#gen/user/v1/audience_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Call, Running, Setup } from "#mesh";
import { handlers } from "#mesh";
import { createAccountRemoval } from "./account-removal.ts";
import { audience } from "./audience.ts";
import { createAudit } from "./audits.ts";
import { auth } from "./auth.ts";
import { countOutcomes, showHashGate } from "./auth-metrics.ts";
import type { userFields } from "./config.ts";
import { createGate, defaultConcurrency, requireRoom } from "./gate.ts";
import type { Hashing } from "./hashing.ts";
import { poolThreads } from "./hashing.ts";
import { keepHouse } from "./housekeeping.ts";
import { createPasswordChange } from "./password-change.ts";
import { createPasswordCheck } from "./password-check.ts";
import { createPasswords } from "./passwords.ts";
import { createPseudonyms, readPseudonymKey } from "./pseudonyms.ts";
import { createRegistration } from "./registration.ts";
import { reportLimits, reportTimeoutMs } from "./report-limits.ts";
import { createReports } from "./reports.ts";
import type { securityContracts } from "./security.ts";
import { createSessions } from "./sessions.ts";
import { teams } from "./teams.ts";
import { users } from "./users.ts";

/** What tests replace. */
export interface World {
  now: () => number;
  hashing: Hashing;
}

type Given = Setup<typeof securityContracts, typeof userFields>;

/** Calls that may be under way on their way to a hash, above those that the gate holds. */
const roomBeforeHash = 64;

/** Puts the parts together. */
export const setUp =
  ({ now, hashing }: World) =>
  async ({
    db,
    calls: security,
    events,
    config,
    log,
    metrics,
    health,
    stopping,
  }: Given): Promise<Running> => {
    // One hash takes 19 MiB and tens of milliseconds of a core: a flood of
    // logins would take both from everything else.
    const concurrency =
      config.USER_HASH_CONCURRENCY || defaultConcurrency(availableParallelism(), poolThreads);
    const gate = createGate({ concurrency, queue: config.USER_HASH_QUEUE });
    // And before the hash, what waits for the database must not pile up either.
    const door = createGate({
      concurrency: concurrency + config.USER_HASH_QUEUE + roomBeforeHash,
      queue: 0,
    });
    showHashGate(metrics, gate);
    health.add({ name: "password hashing", critical: false, check: () => requireRoom(gate) });

    const passwords = await createPasswords(hashing, gate);
    const pseudonyms = createPseudonyms(await readPseudonymKey(db.sql));
    const network = (call: Call) => pseudonyms.network(call.client.address);
    const reports = createReports({ log, metrics, limits: reportLimits, timeoutMs: reportTimeoutMs });
    const audit = createAudit(reports, security);
    const sessions = createSessions({ db, security, events, network, now });
    const checkPassword = createPasswordCheck({ db, passwords, pseudonyms, now });
    const changePassword = createPasswordChange({ db, events, checkPassword, passwords, sessions, now });
    const register = createRegistration({ db, events, passwords, pseudonyms, now });
    const remove = createAccountRemoval({ db, events, security, pseudonyms, now });
    const count = countOutcomes(metrics);
    const limits = {
      members: config.USER_TEAM_MEMBERS,
      owned: config.USER_TEAMS_OWNED,
      memberships: config.USER_TEAM_MEMBERSHIPS,
    };

    const housekeeping = keepHouse({
      db,
      security,
      log,
      metrics,
      now,
      stopping,
      everyMs: config.USER_SWEEP_INTERVAL,
    });
    return {
      rpc: [
        handlers(
          AuthService,
          auth({
            register,
            checkPassword,
            changePassword,
            sessions,
            security,
            reports,
            audit,
            count,
            door,
          }),
        ),
        handlers(UserService, users({ db, events, remove, audit, now })),
        handlers(TeamService, teams({ db, audit, limits, now })),
        handlers(AudienceService, audience({ db })),
      ],
      stop: async () => {
        await Promise.all([housekeeping, reports.settle()]);
      },
    };
  };
