import type { Framing } from "./framing.ts";

/**
 * A line of JSON for each message. A last line with `"success":false` is no
 * message but the failure that ended the stream.
 */
export const lineFrames: Framing = {
  contentType: "application/x-ndjson; charset=utf-8",
  opening: "",
  message: (json) => `${json}\n`,
  failure: (json) => `${json}\n`,
  end: "",
  heartbeat: "",
};
