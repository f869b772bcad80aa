import { fail } from "#mesh";
import { idempotencyPolicy } from "./idempotency-policy.ts";

export const reused = () =>
  fail.invalid("idempotency_key_reused", "this Idempotency-Key was sent with another request", {
    remedy: "send the same request again, or another key",
  });

export const inFlight = () =>
  fail.aborted("idempotency_in_flight", "a request with this Idempotency-Key is being answered", {
    remedy: "ask again a little later for its answer",
    retryAfterMs: idempotencyPolicy.retryAfterMs,
  });

export const tooLarge = () =>
  fail.precondition(
    "idempotency_answer_too_large",
    "the request with this Idempotency-Key was done, but its answer is too large to be given again",
    { remedy: "read what came of it; do not repeat it with another key" },
  );

export const shareUsedUp = () =>
  fail.exhausted(
    "idempotency_share_used_up",
    "you have sent so many requests with an Idempotency-Key that no new one can be kept",
    {
      remedy: "send requests that need none without it, or wait until the first of them are forgotten",
      retryAfterMs: 60_000,
    },
  );

export const unavailable = (cause?: unknown) =>
  fail.unavailable(
    "idempotency_unavailable",
    "it cannot be known now whether a request with this Idempotency-Key was done, so it is not done",
    { remedy: "try again with the same key", retryAfterMs: idempotencyPolicy.retryAfterMs, cause },
  );
