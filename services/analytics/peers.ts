import { PermissionService } from "#gen/security/v1/permissions_pb.js";

export const peerContracts = { permissions: PermissionService };
