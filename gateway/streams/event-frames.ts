import type { Framing } from "./framing.ts";
import { streamPolicy } from "./policy.ts";

/** What an id may not hold: the end of its line, and NUL, for which readers drop it (HTML §9.2.6). */
const breaking = /[\0\r\n]/;

/**
 * Server-sent events (HTML §9.2). Messages are events without a name, so that
 * `onmessage` gets them. An EventSource comes back whenever the connection
 * ends, so the end has a name of its own: `end` after the last message, for the
 * page to close on, and `error` with the failure as data, which like an error
 * of the connection leads to another try unless the page closes.
 */
export const eventFrames: Framing = {
  contentType: "text/event-stream; charset=utf-8",
  opening: `retry: ${streamPolicy.reconnectMs}\n\n`,
  message: (json, id) =>
    id === "" || breaking.test(id) ? `data: ${json}\n\n` : `id: ${id}\ndata: ${json}\n\n`,
  failure: (json) => `event: error\ndata: ${json}\n\n`,
  // An event without data is dropped by readers.
  end: "event: end\ndata: {}\n\n",
  heartbeat: ":\n\n",
};
