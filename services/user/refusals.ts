import { fail } from "#mesh";

// Errors that must be the same, letter for letter, wherever they come from:
// any difference would tell a guesser something.

export const badCredentials = () =>
  fail.unauthenticated("bad_credentials", "the e-mail address or the password is wrong", {
    remedy: "check both and try again",
  });

export const throttled = (waitMs: number) =>
  fail.exhausted("throttled", "too many tries have failed", {
    remedy: "wait as long as this answer says and try again",
    retryAfterMs: Math.ceil(waitMs),
  });

export const tooManyRegistrations = (waitMs: number) =>
  fail.exhausted("throttled", "too many people register from this network", {
    remedy: "wait as long as this answer says and try again",
    retryAfterMs: Math.ceil(waitMs),
  });

export const badRefreshToken = (cause?: unknown) =>
  fail.unauthenticated("bad_refresh_token", "the refresh token is not valid", {
    remedy: "sign in again",
    cause,
  });

export const badToken = (cause?: unknown) =>
  fail.unauthenticated("bad_token", "the access token is not valid", {
    remedy: "refresh it or sign in again",
    cause,
  });

export const noUser = () => fail.notFound("user_not_found", "no user has this id");

export const noTeam = () =>
  fail.notFound("team_not_found", "no team of yours has this id", {
    remedy: "list your teams for their ids",
  });
