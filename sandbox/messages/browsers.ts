import { createECDH, randomBytes } from "node:crypto";
import { Bounded } from "../bounded.ts";
import { decryptPush } from "./push-encryption.ts";

/** A browser that lets itself be told things, as far as its push service knows it. */
export interface Browser {
  readonly id: string;
  /** Who alone may tell it (RFC 8292 §4); empty for anybody. */
  readonly applicationServerKey: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
  read(body: Buffer): string;
}

export interface Browsers {
  open(applicationServerKey: string): Browser;
  find(id: string): Browser | undefined;
  close(id: string): boolean;
  reset(): void;
}

const most = 1000;

export function createBrowsers(): Browsers {
  const browsers = new Bounded<Browser>(most);
  return {
    open(applicationServerKey) {
      const id = randomBytes(16).toString("hex");
      const pair = createECDH("prime256v1");
      const p256dh = pair.generateKeys("base64url");
      const auth = randomBytes(16);
      const browser: Browser = {
        id,
        applicationServerKey,
        keys: { p256dh, auth: auth.toString("base64url") },
        read: (body) => decryptPush(body, pair, auth).toString(),
      };
      browsers.set(id, browser);
      return browser;
    },
    find: (id) => browsers.get(id),
    close: (id) => browsers.delete(id),
    reset: () => browsers.clear(),
  };
}
