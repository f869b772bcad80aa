export type Status = "draft" | "scheduled" | "gathering" | "sending" | "paused" | "completed" | "cancelled";

/** What goes on by itself, and so can be paused. */
export type Active = "scheduled" | "gathering" | "sending";

export const isActive = (status: Status): status is Active =>
  status === "scheduled" || status === "gathering" || status === "sending";

export const isOver = (status: Status): boolean => status === "completed" || status === "cancelled";
