import type { Algorithm, Options } from "@node-rs/argon2";
import { hash, parseOptions, verify } from "@node-rs/argon2";

/** Makes and checks password hashes. */
export interface Hashing {
  hash(password: string): Promise<string>;
  verify(stored: string, password: string): Promise<boolean>;
  /** Was it made with other parameters than those of today? */
  isStale(stored: string): boolean;
}

export interface HashingCost {
  memoryKiB: number;
  passes: number;
  lanes: number;
}

/** OWASP Password Storage Cheat Sheet, the argon2id setting with 19 MiB. */
const todaysCost: HashingCost = { memoryKiB: 19_456, passes: 2, lanes: 1 };

/** Threads of libuv's pool, in which hashes are computed. */
export const poolThreads = Number(process.env.UV_THREADPOOL_SIZE) || 4;

/** The package names it by a const enum, which does not outlive type stripping. */
const argon2id = 2 as Algorithm;

/** Argon2id with its parameters in the stored text (PHC string format). */
export function createHashing({ memoryKiB, passes, lanes }: HashingCost = todaysCost): Hashing {
  const options: Options = {
    algorithm: argon2id,
    memoryCost: memoryKiB,
    timeCost: passes,
    parallelism: lanes,
  };
  return {
    hash: (password) => hash(password, options),
    verify: (stored, password) => verify(stored, password),
    isStale: (stored) => {
      const made = parseOptions(stored);
      return (
        made.algorithm !== argon2id ||
        made.memoryCost !== memoryKiB ||
        made.timeCost !== passes ||
        made.parallelism !== lanes
      );
    },
  };
}
