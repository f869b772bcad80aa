import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { Database, Logger, Loop, Nats } from "#mesh";
import { startLoop } from "#mesh";
import { onConnection } from "#mesh/nats/on-connection.ts";
import type { Head } from "./audit-chain.ts";
import { sameSeal } from "./audit-chain.ts";
import { headOf, sealAt } from "./audit-store.ts";

const bucketName = "security_audit";
/** Entries of an instance that died are anchored this late at most. */
const pollMs = 2000;

/** The head of the record, noted where whoever cuts the record off does not reach. */
export interface AuditAnchor extends Loop {
  /** The latest head that is known outside of the database; throws when the broker cannot be asked. */
  anchored(): Promise<Head | undefined>;
  /** The latest head that this instance has seen itself. */
  readonly seen: Head | undefined;
  /** Throws when the record does not go with its anchor. */
  check(): void;
}

export interface AuditAnchorOptions {
  db: Database;
  nats: Nats;
  /** Which record: one broker may serve several. */
  recordId: string;
  log: Logger;
  stopping: AbortSignal;
}

export function createAuditAnchor({ db, nats, recordId, log, stopping }: AuditAnchorOptions): AuditAnchor {
  const key = `head.${recordId}`;
  let bucket: KV | undefined;
  let seen: Head | undefined;
  let broken: string | undefined;
  /** Number of the last entry that we know to be anchored. */
  let told: bigint | undefined;

  const open = async () => {
    bucket ??= await nats.bucket(bucketName, { history: 5 });
    return bucket;
  };

  /** An anchor moves on only from an entry that is still there: otherwise it is the proof that something is gone. */
  const holds = async (anchor: Head): Promise<boolean> => {
    const seal = await sealAt(db.sql, anchor.sequence);
    return seal !== undefined && sameSeal(seal, anchor.seal);
  };

  const moveOn = async () => {
    const head = await headOf(db.sql);
    if (seen && !(await holds(seen))) return tampered(seen);
    seen = head ?? seen;
    if (!nats.connected() || told === (head?.sequence ?? 0n)) return;
    const heads = await open();
    const entry = await heads.get(key);
    const anchor = entry?.operation === "PUT" ? parseHead(entry.string()) : undefined;
    if (anchor && !(await holds(anchor))) return tampered(anchor);
    if (head && (!anchor || anchor.sequence < head.sequence)) {
      // Compare-and-set: of two instances the slower one must not turn the anchor back.
      await heads.put(key, formatHead(head), { previousSeq: entry?.revision ?? 0 });
    }
    told = head?.sequence ?? 0n;
    broken = undefined;
  };

  const tampered = ({ sequence }: Head) => {
    broken ??= report(sequence);
  };
  const report = (sequence: bigint): string => {
    const problem = `the audit record no longer holds entry ${sequence} as it was written`;
    log.error({ sequence }, `${problem}; VerifyAudit tells more`);
    return problem;
  };

  const loop = startLoop({
    everyMs: pollMs,
    stopping,
    work: moveOn,
    failed: (error) => {
      bucket = undefined;
      told = undefined;
      if (isOvertaken(error)) return;
      log.warn({ err: error }, "the head of the audit record cannot be anchored now; tried again soon");
    },
  });
  const forgetConnection = onConnection(nats, {
    back: () => {
      bucket = undefined;
      told = undefined;
      loop.wake();
    },
  });
  void loop.ended.then(forgetConnection);

  return {
    ...loop,
    get seen() {
      return seen;
    },
    async anchored() {
      if (!nats.connected()) throw new Error("NATS is not connected");
      const entry = await (await open()).get(key);
      return entry?.operation === "PUT" ? parseHead(entry.string()) : undefined;
    },
    check() {
      if (broken) throw new Error(broken);
    },
  };
}

/** Another instance has moved the anchor meanwhile. */
const isOvertaken = (error: unknown) =>
  error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;

const formatHead = ({ sequence, seal }: Head): string =>
  JSON.stringify({ sequence: sequence.toString(), seal: Buffer.from(seal).toString("base64url") });

/** Undefined for what we did not write. */
function parseHead(text: string): Head | undefined {
  try {
    const { sequence, seal } = JSON.parse(text) as { sequence: string; seal: string };
    return { sequence: BigInt(sequence), seal: Buffer.from(seal, "base64url") };
  } catch {
    return undefined;
  }
}
