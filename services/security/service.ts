import { AuditService } from "#gen/security/v1/audit_pb.js";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { defineService } from "#mesh";
import { securityFields } from "./config.ts";
import { setUp } from "./setup.ts";

export default defineService({
  name: "security",
  contracts: [TokenService, PermissionService, AuditService, ThreatService],
  calls: { teams: TeamService },
  publishes: [SecurityAlertSchema],
  config: securityFields,
  database: { migrations: new URL("./migrations/", import.meta.url) },
  setup: setUp,
});
