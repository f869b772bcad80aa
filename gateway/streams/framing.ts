/** How messages are told apart in an answer that has many of them. */
export interface Framing {
  readonly contentType: string;
  /** Sent at once; may be empty. */
  readonly opening: string;
  /** `json` is one line; `id` is empty for a message that has none. */
  message(json: string, id: string): string;
  /** The last frame, when it ends in an error. */
  failure(json: string): string;
  /** The last frame, when all is said; may be empty. */
  readonly end: string;
  /** Says nothing, so that nobody thinks the connection dead; empty where the format has no such thing. */
  readonly heartbeat: string;
}
