import type { DescMethod } from "@bufbuild/protobuf";
import { GatewayService } from "#gen/gateway/v1/gateway_pb.js";
import { AuditService } from "#gen/security/v1/audit_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { ThreatService } from "#gen/security/v1/threats_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import { methodName } from "#mesh";
import { isPublished } from "#mesh/contract/published.ts";
import { bindingsOf } from "../../../gateway/routing/bindings-of.ts";

/** Of the services that `startPlatform` hosts. */
export const contracts = [
  GatewayService,
  AuditService,
  PermissionService,
  ThreatService,
  TokenService,
  AuthService,
  TeamService,
  UserService,
];
export const methods: readonly DescMethod[] = contracts.flatMap((it) => it.methods);
export const bindings = contracts.flatMap((it) => bindingsOf(it).bindings);
/** Those that strangers are to learn nothing of. */
export const hidden = methods.filter((it) => !isPublished(it));
export const rpcPath = (method: DescMethod): string => `/${methodName(method)}`;
