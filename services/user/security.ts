import { Code, ConnectError } from "@connectrpc/connect";
import { AuditService } from "#gen/security/v1/audit_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { Call, Clients } from "#mesh";
import { fail } from "#mesh";

/** The contracts of security that this service calls. */
export const securityContracts = {
  tokens: TokenService,
  permissions: PermissionService,
  audit: AuditService,
  threats: ThreatService,
};

export type Security = Clients<typeof securityContracts>;

/** Where a call comes from, cut to what the contract of security takes. */
export const clientOf = ({ client }: Call) => ({
  address: client.address.slice(0, 64),
  userAgent: client.userAgent.slice(0, 512),
});

/** Did security say no, rather than fail to answer? */
export function isRefusal(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return refusals.has(code);
}

const refusals = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.Unauthenticated,
]);

/** For callers, who cannot know that there is such a service. */
export const securityAway = (cause: unknown) =>
  fail.unavailable("sign_in_unavailable", "sessions cannot be opened or ended at this moment", {
    remedy: "try again in a few seconds",
    retryAfterMs: 2000,
    cause,
  });
