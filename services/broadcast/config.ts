import { duration, integer } from "#mesh";

export const broadcastFields = {
  BROADCAST_MOST_RECIPIENTS: integer(1, 50_000_000)(
    "Most recipients of a broadcast; one that is for more is cancelled.",
    { fallback: "1000000" },
  ),
  BROADCAST_KEEP: duration(
    "How long broadcasts that are over are kept, with what became of each recipient.",
    {
      fallback: "400d",
    },
  ),
};
