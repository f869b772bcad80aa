export type Status = "draft" | "scheduled" | "gathering" | "sending" | "paused" | "completed" | "cancelled";

/** What goes on by itself, and so can be paused. */
export type Active = "scheduled" | "gathering" | "sending";

/** Where a broadcast can go from there. What is not listed does not happen. */
export const successors: Readonly<Record<Status, readonly Status[]>> = {
  draft: ["scheduled", "cancelled"],
  scheduled: ["gathering", "paused", "cancelled"],
  // To `completed` when there is nobody.
  gathering: ["sending", "completed", "paused", "cancelled"],
  sending: ["completed", "paused", "cancelled"],
  // To `completed` when the last ones were on their way.
  paused: ["scheduled", "gathering", "sending", "completed", "cancelled"],
  completed: [],
  cancelled: [],
};

export const isActive = (status: Status): status is Active =>
  status === "scheduled" || status === "gathering" || status === "sending";

export const isOver = (status: Status): boolean => status === "completed" || status === "cancelled";
