/** How many go out at once: a quarter of a second's, and so few that a pause is soon felt. */
export const chunkOf = (perSecond: number): number => Math.min(100, Math.ceil(perSecond / 4));

/** When the next may go out after so many. Time that passed unused is not made up for. */
export const nextAfter = (nowMs: number, count: number, perSecond: number): number =>
  nowMs + Math.ceil((count * 1000) / perSecond);
