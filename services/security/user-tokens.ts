import type { Query } from "#mesh";
import { canonicalId } from "#mesh";
import type { HeldGrant } from "./grants-store.ts";
import { grantOf } from "./grants-store.ts";
import { findSession } from "./sessions-store.ts";
import type { BadTokenReason, SignedTokens, Subject } from "./signed-tokens.ts";

export type UserTokenProblem = BadTokenReason | "session_ended";

/** What a token about a user is worth now: its session lives, and these are today's roles. */
export type Standing =
  | { readonly ok: true; readonly subject: Subject; readonly expiresMs: number; readonly grant: HeldGrant }
  | { readonly ok: false; readonly reason: UserTokenProblem };

export interface StandingOptions {
  query: Query;
  tokens: SignedTokens;
  /** The service that shows it, if statements made for that one count. */
  reader?: string;
  nowMs: number;
}

export async function standingOf(token: string, options: StandingOptions): Promise<Standing> {
  const { query, tokens, reader, nowMs } = options;
  const read = await tokens.read(token, reader);
  if (!read.ok) return read;
  const { subject, expiresMs } = read;
  const session = await findSession(query, subject.sessionId);
  const lives = session && !session.closedAt && session.expiresAt.getTime() > nowMs;
  if (!lives || session.userId !== canonicalId(subject.userId)) return { ok: false, reason: "session_ended" };
  return { ok: true, subject, expiresMs, grant: await grantOf(query, subject.userId) };
}

/** For people who read logs and answers. */
export const problemText: Readonly<Record<UserTokenProblem, string>> = {
  token_expired: "the token has expired",
  bad_token: "the token is not valid",
  session_ended: "the session was ended",
};
