import { AudienceService } from "#gen/user/v1/audience_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import {
  UserCreatedSchema,
  UserDeletedSchema,
  UserLoggedInSchema,
  UserUpdatedSchema,
} from "#gen/user/v1/events_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import { defineService } from "#mesh";
import { userFields } from "./config.ts";
import { createHashing } from "./hashing.ts";
import { securityContracts } from "./security.ts";
import { setUp, type World } from "./setup.ts";

/** The service, in the real world unless told otherwise. */
export const createUserService = ({ now = Date.now, hashing = createHashing() }: Partial<World> = {}) =>
  defineService({
    name: "user",
    contracts: [AuthService, UserService, TeamService, AudienceService],
    calls: securityContracts,
    publishes: [UserCreatedSchema, UserUpdatedSchema, UserDeletedSchema, UserLoggedInSchema],
    config: userFields,
    database: { migrations: new URL("./migrations/", import.meta.url) },
    setup: setUp({ now, hashing }),
  });

export default createUserService();
