import type { FileRegistry } from "@bufbuild/protobuf";
import { reasonOf, WeftError } from "#mesh";
import type { Reading } from "./read-contract.ts";
import { readContract, refused } from "./read-contract.ts";

export interface ContractLoaderOptions {
  /** Fetches a descriptor set by its hash. */
  load: (hash: string) => Promise<FileRegistry>;
  /** Something that was waited for is there, or is known to be bad. */
  changed: () => void;
}

/** Which contract of which service. */
export interface Wanted {
  readonly service: string;
  readonly hash: string;
}

export interface ContractLoader {
  /** Says what is wanted from now on: the rest is forgotten. */
  want(wanted: readonly Wanted[]): void;
  /** What was loaded; nothing while it is on its way. */
  reading(wanted: Wanted): Reading | undefined;
  /** Why it is still on its way, when that is known. */
  trouble(wanted: Wanted): string | undefined;
  close(): void;
}

/** An instance publishes its contracts while it announces itself, so the first tries follow soon. */
const soonMs = 100;
const soonTries = 10;
const laterMs = 2000;

interface Entry {
  reading: Reading | undefined;
  trouble: string | undefined;
  tries: number;
  timer: NodeJS.Timeout | undefined;
}

export const keyOf = ({ service, hash }: Wanted): string => `${service} ${hash}`;

/** Loads contracts until it has them, and keeps those that are wanted. */
export function createContractLoader({ load, changed }: ContractLoaderOptions): ContractLoader {
  const entries = new Map<string, Entry>();

  const attempt = async (wanted: Wanted, entry: Entry): Promise<void> => {
    const loaded = await load(wanted.hash).catch((error: unknown) => new NotLoaded(error));
    if (entries.get(keyOf(wanted)) !== entry) return;
    if (!(loaded instanceof NotLoaded)) {
      entry.reading = read(wanted, loaded);
      entry.trouble = undefined;
      changed();
      return;
    }
    entry.tries++;
    if (loaded.isBad && !entry.reading) {
      entry.reading = refused([loaded.message]);
      changed();
    } else if (!loaded.isBad && !entry.trouble && entry.tries >= soonTries) {
      entry.trouble = loaded.message;
      changed();
    }
    // Also what is bad may be put right by whoever publishes it.
    const pauseMs = entry.tries < soonTries ? soonMs : laterMs;
    entry.timer = setTimeout(() => void attempt(wanted, entry), pauseMs).unref();
  };

  const forget = (keep: ReadonlySet<string>) => {
    for (const [key, entry] of entries) {
      if (keep.has(key)) continue;
      clearTimeout(entry.timer);
      entries.delete(key);
    }
  };

  return {
    want(wanted) {
      forget(new Set(wanted.map(keyOf)));
      for (const it of wanted) {
        if (entries.has(keyOf(it))) continue;
        const entry: Entry = { reading: undefined, trouble: undefined, tries: 0, timer: undefined };
        entries.set(keyOf(it), entry);
        void attempt(it, entry);
      }
    },
    reading: (wanted) => entries.get(keyOf(wanted))?.reading,
    trouble: (wanted) => entries.get(keyOf(wanted))?.trouble,
    close: () => forget(new Set()),
  };
}

/** Why a set is not there. */
class NotLoaded {
  readonly message: string;
  /** There is something, and it is not a set of descriptors with this hash. */
  readonly isBad: boolean;
  constructor(error: unknown) {
    this.message = error instanceof WeftError ? error.rawMessage : String(error);
    const reason = reasonOf(error);
    this.isBad = reason === "contracts_unreadable" || reason === "contracts_forged";
  }
}

/** Options are decoded when they are looked at, and may turn out to be no such thing. */
function read({ service, hash }: Wanted, registry: FileRegistry): Reading {
  try {
    return readContract(service, hash, registry);
  } catch (error) {
    return refused([`its options cannot be read: ${error instanceof Error ? error.message : String(error)}`]);
  }
}
