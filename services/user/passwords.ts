import { randomUUID } from "node:crypto";
import type { Gate } from "./gate.ts";
import type { Hashing } from "./hashing.ts";
import { normalPassword } from "./password-policy.ts";

/** Password hashes, made and checked a few at a time. */
export interface Passwords {
  hash(password: string, signal: AbortSignal): Promise<string>;
  /** Without a stored hash it does the same work and says no, so that time does not tell who has an account. */
  verify(stored: string | undefined, password: string, signal: AbortSignal): Promise<boolean>;
  isStale(stored: string): boolean;
}

export async function createPasswords(hashing: Hashing, gate: Gate): Promise<Passwords> {
  const nobodys = await hashing.hash(randomUUID());
  return {
    hash: (password, signal) => gate.run(() => hashing.hash(normalPassword(password)), signal),
    verify: async (stored, password, signal) => {
      const matches = await gate.run(
        () => hashing.verify(stored ?? nobodys, normalPassword(password)),
        signal,
      );
      return matches && stored !== undefined;
    },
    isStale: hashing.isStale,
  };
}
