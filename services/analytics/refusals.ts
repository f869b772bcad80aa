import { fail } from "#mesh";

export const adminsOnly = () =>
  fail.denied(
    "analytics_admin_only",
    "only who has analytics:admin may ask for the figures of somebody else",
    {
      remedy: "leave owner_id empty for your own",
    },
  );

export const badTimeZone = (name: string) =>
  fail.invalid("bad_time_zone", `${JSON.stringify(name)} is no time zone`, {
    remedy: "use an IANA name such as Africa/Accra",
  });

export const badSpan = (why: string) =>
  fail.invalid("bad_span", `the span ${why}`, {
    remedy: "give times of at most 400 days, from before until",
  });

export const tooManyPoints = (most: number) =>
  fail.invalid("too_many_points", `this would be more than ${most} points`, {
    remedy: "ask for a longer bucket, a shorter span or fewer metrics",
  });

export const badEventTime = (field: string) =>
  fail.invalid("event_time_refused", `${field} is more than 30 days ago or 5 minutes ahead`, {
    remedy: "leave it empty for now, and see that the clock is right",
    metadata: { field },
  });

export const halfSubject = (field: string) =>
  fail.invalid("subject_incomplete", `${field} has a subject_type or subject_id without the other`, {
    remedy: "give both or neither",
    metadata: { field },
  });

export const tooManyEvents = (most: number, retryAfterMs: number) =>
  fail.exhausted("too_many_tracked_events", `${most} events were tracked in this minute`, {
    remedy: "send the rest in the next one",
    retryAfterMs,
  });

const tooManyReasons = {
  name: () =>
    fail.exhausted("too_many_event_names", "too many names of events were used today", {
      remedy: "put what differs into properties",
    }),
  subject: () =>
    fail.exhausted("too_many_event_subjects", "too many subjects of events were used today", {
      remedy: "track the rest tomorrow, or without subjects",
    }),
  tag: () =>
    fail.exhausted("too_many_event_tags", "too many tags of events were used today", {
      remedy: "track the rest tomorrow, or without tags",
    }),
} as const;

export const tooManyKeys = (kind: keyof typeof tooManyReasons) => tooManyReasons[kind]();

export const noThreshold = () =>
  fail.notFound("threshold_not_found", "no threshold of yours has this id", {
    remedy: "list your thresholds for their ids",
  });

export const tooManyThresholds = (most: number) =>
  fail.exhausted("too_many_thresholds", `there are ${most} thresholds of yours already`, {
    remedy: "delete some of them",
  });

export const badWindow = () =>
  fail.invalid("bad_window", "the window is not in whole quarters of an hour", {
    remedy: "give a multiple of 900 seconds",
  });

export const noReport = () =>
  fail.notFound("report_not_found", "no report of yours has this id, or it is gone", {
    remedy: "list your reports for their ids",
  });

export const reportNotReady = (status: string) =>
  fail.precondition("report_not_ready", `the report is ${status}`, {
    remedy: status === "failed" ? "see its reason, and ask for another" : "get it again in a while",
  });

export const tooManyReports = (most: number) =>
  fail.exhausted("too_many_reports", `${most} reports of yours wait or are being written`, {
    remedy: "ask again when one of them is finished",
    retryAfterMs: 5000,
  });

export const unknownMetric = (name: string, known: readonly string[]) =>
  fail.invalid("unknown_metric", `no metric is named ${name}`, {
    remedy: `there are ${known.join(", ")}, and tracked.<name> of what is tracked`,
  });
