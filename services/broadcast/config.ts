import { duration, integer } from "#mesh";

export const broadcastFields = {
  BROADCAST_MOST_RECIPIENTS: integer(1, 50_000_000)(
    "Most recipients of a broadcast; one that is for more is cancelled.",
    { fallback: "1000000" },
  ),
  BROADCAST_PER_CUSTOMER: integer(1, 1000)(
    "Most messages that a customer gets in 24 hours of one owner's broadcasts; those that are for everybody do not count.",
    { fallback: "3" },
  ),
  BROADCAST_DRAFTS_MOST: integer(1, 100_000)("Most broadcasts of one owner that are drafts.", {
    fallback: "100",
  }),
  BROADCAST_AHEAD_MOST: integer(1, 100_000)("Most broadcasts of one owner that are scheduled or under way.", {
    fallback: "100",
  }),
  BROADCAST_KEEP: duration(
    "How long drafts are kept, and broadcasts that are over, with what became of each recipient.",
    { fallback: "400d" },
  ),
};
