import { NotificationService } from "#gen/notification/v1/notification_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { AudienceService } from "#gen/user/v1/audience_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Clients } from "#mesh";

export const peerContracts = {
  users: AudienceService,
  profiles: UserService,
  notifications: NotificationService,
  templates: TemplateService,
  permissions: PermissionService,
};

export type Peers = Clients<typeof peerContracts>;
