import {
  UserCreatedSchema,
  UserDeletedSchema,
  UserLoggedInSchema,
  UserUpdatedSchema,
} from "#gen/user/v1/events_pb.js";
import { mapping } from "./fact.ts";

export const userFacts = [
  mapping(UserCreatedSchema, ({ userId, createdAt }) => [{ metric: "users_created", at: createdAt, userId }]),
  mapping(UserUpdatedSchema, ({ userId, updatedAt }) => [{ metric: "users_updated", at: updatedAt, userId }]),
  mapping(UserDeletedSchema, ({ deletedAt }) => [{ metric: "users_deleted", at: deletedAt }]),
  mapping(UserLoggedInSchema, ({ userId, loggedInAt }) => [{ metric: "logins", at: loggedInAt, userId }]),
];
