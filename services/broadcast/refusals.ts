import { fail } from "#mesh";
import type { Status } from "./status.ts";

export const noBroadcast = () =>
  fail.notFound("broadcast_not_found", "no broadcast of yours has this id", {
    remedy: "list your broadcasts for their ids",
  });

export const badTime = (field: string) =>
  fail.invalid("bad_time", `${field}: must be a time between the years 1 and 9999`);

export const stillDraft = () =>
  fail.precondition("broadcast_not_scheduled", "the broadcast is a draft, so nothing goes out", {
    remedy: "schedule it first",
  });

export const underWay = (status: Status) =>
  fail.precondition("broadcast_under_way", `the broadcast is ${status}, so its time cannot be changed`, {
    remedy: "pause or resume it, or cancel it and make another one",
    metadata: { status },
  });

export const isOverNow = (status: Status) =>
  fail.precondition("broadcast_is_over", `the broadcast is ${status}`, {
    remedy: "make another one",
    metadata: { status },
  });

/** In the words of the notification service. */
export const templateRefused = (reason: string, words: string) =>
  fail.precondition("broadcast_template_refused", words, { metadata: { reason } });
