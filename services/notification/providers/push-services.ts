import { mayBePublic } from "./public-address.ts";

/** Where messages for browsers may be taken: a browser says it, so it is not believed. */
export interface PushServices {
  /** One of the operator's own, wherever it is. */
  isOwn(url: URL): boolean;
  mayTake(url: URL): boolean;
}

/** Those on the internet, and those at these origins. */
export function createPushServices(own: readonly string[]): PushServices {
  const isOwn = ({ origin, username, password }: URL) =>
    own.includes(origin) && username === "" && password === "";
  return { isOwn, mayTake: (url) => isOwn(url) || mayBePublic(url) };
}
