import type { Envelope } from "./live-call.ts";

/** For what comes in by other ways than a call and has no metadata of one: events, jobs. */
export const noEnvelope: Envelope = {
  get requestHeader() {
    return new Headers();
  },
  get responseHeader() {
    return new Headers();
  },
  get responseTrailer() {
    return new Headers();
  },
};
