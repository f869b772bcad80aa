/** What is known of the events that end the answers of a method early. */
export interface Hearing {
  /** Whether each event is heard now. */
  isLive(): boolean;
  /** Grows with each event: an answer that was asked for before it is wrong. */
  events(): number;
  /** Grows each time that events may have been missed: older answers may be wrong. */
  gaps(): number;
}

/** Of methods whose answers no event ends. */
export const nothingToHear: Hearing = { isLive: () => true, events: () => 0, gaps: () => 0 };
