import { duration, durationFrom, integer } from "#mesh";

export const analyticsFields = {
  // What is tracked may be 30 days old.
  ANALYTICS_KEEP: durationFrom("31d")("How long figures are kept; they go a month at a time.", {
    fallback: "400d",
  }),
  ANALYTICS_TRACK_PER_MINUTE: integer(1, 1_000_000)("Most events that one user tracks in a minute.", {
    fallback: "1200",
  }),
  ANALYTICS_THRESHOLD_EVERY: duration("How often figures are held against thresholds.", { fallback: "10s" }),
  ANALYTICS_REPORT_KEEP: duration("How long a report can be downloaded.", { fallback: "7d" }),
  ANALYTICS_REPORTS_WAITING: integer(1, 1000)("Most reports of one user that wait or are being written.", {
    fallback: "5",
  }),
};
