import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { TeamMemberSchema, TeamSchema } from "#gen/user/v1/team_pb.js";
import type { PublicProfileSchema, UserSchema } from "#gen/user/v1/user_pb.js";
import type { AccountRow } from "./accounts-store.ts";
import type { ProfileValues } from "./profile.ts";
import type { MemberRow, TeamRow } from "./teams-store.ts";

export function profileOf(account: AccountRow): ProfileValues {
  const { displayName, bio, phone, locale, timeZone, avatarFileId } = account;
  return { displayName, bio, phone, locale, timeZone, avatarFileId: avatarFileId ?? "" };
}

export function toUser(account: AccountRow): MessageInitShape<typeof UserSchema> {
  const { id, email, createdAt, updatedAt, lastLoginAt } = account;
  return {
    id,
    email,
    profile: profileOf(account),
    createdAt: timestampFromDate(createdAt),
    updatedAt: timestampFromDate(updatedAt),
    ...(lastLoginAt && { lastLoginAt: timestampFromDate(lastLoginAt) }),
  };
}

export function toPublicProfile(account: AccountRow): MessageInitShape<typeof PublicProfileSchema> {
  const { id, displayName, bio, avatarFileId } = account;
  return { id, displayName, bio, avatarFileId: avatarFileId ?? "" };
}

export function toTeam(team: TeamRow): MessageInitShape<typeof TeamSchema> {
  const { id, name, ownerId, memberCount, createdAt } = team;
  return { id, name, ownerId, memberCount, createdAt: timestampFromDate(createdAt) };
}

export function toMember({ userId, role, joinedAt }: MemberRow): MessageInitShape<typeof TeamMemberSchema> {
  return { userId, role, joinedAt: timestampFromDate(joinedAt) };
}
