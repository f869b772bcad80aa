import { makeRoom } from "../bounds/make-room.ts";

/** Something that is good until a time. */
export interface Perishable {
  readonly value: string;
  readonly expiresMs: number;
}

export interface TokenCacheOptions {
  /** Most entries kept; the oldest goes first. Default 10,000. */
  size?: number;
  now?: () => number;
}

/** Least time between two failed renewals: an issuer in trouble is not asked at every call. */
const retryMs = 1000;

interface Entry {
  token: Perishable;
  /** When to fetch the next one, while this one is still good. */
  renewMs: number;
  renewing?: Promise<Perishable> | undefined;
}

/**
 * Keeps tokens by name and renews them ahead of time: a caller waits only for
 * the first one. While the issuer is away, an old token is used to its end.
 */
export function createTokenCache(
  fetch: (name: string) => Promise<Perishable>,
  options: TokenCacheOptions = {},
) {
  const { size = 10_000, now = Date.now } = options;
  const entries = new Map<string, Entry>();
  const first = new Map<string, Promise<Perishable>>();

  const keep = (name: string, token: Perishable) => {
    entries.delete(name);
    makeRoom(entries, size);
    const lifetime = token.expiresMs - now();
    entries.set(name, { token, renewMs: now() + lifetime * 0.8 });
    return token;
  };

  const renew = (name: string, entry: Entry) => {
    entry.renewing ??= fetch(name)
      .then((token) => keep(name, token))
      .finally(() => {
        entry.renewing = undefined;
      });
    // A failed renewal fails nobody while the token is good.
    entry.renewing.catch(() => {
      entry.renewMs = now() + retryMs;
    });
  };

  const fetchFirst = async (name: string): Promise<string> => {
    let fetching = first.get(name);
    if (!fetching) {
      fetching = fetch(name)
        .then((token) => keep(name, token))
        .finally(() => first.delete(name));
      first.set(name, fetching);
    }
    return (await fetching).value;
  };

  return (name: string): string | Promise<string> => {
    const entry = entries.get(name);
    if (!entry || entry.token.expiresMs <= now() + 1000) return fetchFirst(name);
    if (now() >= entry.renewMs) renew(name, entry);
    return entry.token.value;
  };
}
