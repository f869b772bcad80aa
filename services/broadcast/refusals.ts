import { fail } from "#mesh";
import type { Status } from "./status.ts";

export const noBroadcast = () =>
  fail.notFound("broadcast_not_found", "no broadcast of yours has this id", {
    remedy: "list your broadcasts for their ids",
  });

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

export const templateBuiltIn = (name: string) =>
  templateRefused("template_built_in", `${name} is what the platform itself sends; choose another template`);

export const cancelFirst = (status: Status) =>
  fail.precondition("broadcast_under_way", `the broadcast is ${status}, so it cannot be deleted`, {
    remedy: "cancel it first",
    metadata: { status },
  });

export const stillOnTheWay = () =>
  fail.precondition("broadcast_under_way", "the last messages of the broadcast are still on their way", {
    remedy: "try again in a minute, when it has a finished_at",
    metadata: { status: "cancelled" },
  });

export const tooManyDrafts = (most: number) =>
  fail.precondition("broadcast_too_many_drafts", `${most} broadcasts of yours are drafts`, {
    remedy: "delete or schedule some of them",
  });

export const tooManyAhead = (most: number) =>
  fail.precondition("broadcast_too_many_ahead", `${most} broadcasts of yours are scheduled or under way`, {
    remedy: "cancel some of them, or wait until some are over",
  });

export const topicReserved = (topic: string, open: string) =>
  fail.denied("broadcast_topic_reserved", `only broadcast:admin speaks on the topic ${topic}`, {
    remedy: `choose the topic ${open}`,
    metadata: { topic },
  });

export const templateForAdmins = () =>
  fail.denied("broadcast_template_admin_only", "templates are for broadcast:admin", {
    remedy: "say it in words",
  });

export const filterForAdmins = () =>
  fail.denied("broadcast_filter_admin_only", "choosing users by what they are is for broadcast:admin", {
    remedy: "leave segment.users out; segment.customers chooses by orders",
  });

export const channelsForAdmins = () =>
  fail.denied("broadcast_channels_admin_only", "choosing channels is for broadcast:admin", {
    remedy: "leave channels out: it goes where each recipient wants it",
  });

export const linkForAdmins = () =>
  fail.denied("broadcast_link_admin_only", "links that lead away are for broadcast:admin", {
    remedy: "give a path of the platform, such as /products, or none",
  });

export const everybodyForAdmins = () =>
  fail.denied("broadcast_everybody_admin_only", "the broadcast has been gathered for all users", {
    remedy: "have somebody with broadcast:admin resume it, or cancel it",
  });

export const isBlank = (field: string) =>
  fail.invalid("broadcast_is_blank", `${field}: must not be blank`, {
    remedy: "write what people shall read",
  });
