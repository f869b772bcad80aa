import { randomUUID } from "node:crypto";
import type { Logger } from "#mesh";
import { reasonOf } from "#mesh";
import { toWireError } from "#mesh/errors.ts";
import type { Kept } from "../edge/keeping.ts";
import type { Entry } from "./entry.ts";
import { decodeEntry, encodeEntry } from "./entry.ts";
import { idempotencyPolicy as policy } from "./idempotency-policy.ts";
import type { KeyStore } from "./key-store.ts";
import { createLateWork } from "./late-work.ts";
import type { Outcome } from "./outcome.ts";
import { decodeOutcome, encodeOutcome, isLastWord } from "./outcome.ts";
import { inFlight, reused, shareUsedUp, tooLarge, unavailable } from "./refusals.ts";
import type { KeyedRequest } from "./request-key.ts";
import { seal, unseal } from "./seal.ts";
import type { Shares } from "./shares.ts";

export interface OnceOptions {
  readonly store: KeyStore;
  readonly shares: Shares;
  readonly log: Logger;
  /** Milliseconds since 1970: gateways tell each other until when they work on something. */
  readonly now: () => number;
}

/** This one is to execute it, or it was executed and this is what came of it. */
type Start = { readonly revision: number } | { readonly outcome: Outcome };

/**
 * Executes a request once and gives its answer again to who repeats it. An entry
 * that is made before and by one gateway alone says that the request is being
 * worked on; the answer takes its place. Who cannot make it executes nothing.
 */
export function createOnce({ store, shares, log, now }: OnceOptions) {
  const late = createLateWork({ log, now, againMs: policy.againMs, mostBytes: policy.waitingBytes });

  /** Somebody else has been here before, or at the same time. */
  const judge = async (request: KeyedRequest, mine: Entry & { is: "begun" }): Promise<Start | undefined> => {
    const found = await store.read(request.name);
    if (!found) return undefined;
    const entry = decodeEntry(found.value);
    // Not ours to say what it means: of another version, or of somebody who should not write there.
    if (!entry) throw unavailable();
    if (entry.print !== request.print) throw reused();
    if (entry.is === "done") {
      if (!entry.sealed) throw tooLarge();
      const text = unseal(request.secret, entry.sealed);
      if (text === undefined) throw unavailable();
      return { outcome: decodeOutcome(text) };
    }
    // Written by a try that was thought to have failed.
    if (entry.owner === mine.owner) return { revision: found.revision };
    if (entry.untilMs > now()) throw inFlight();
    const revision = await store.replace(request.name, encodeEntry(mine), found.revision);
    return revision === undefined ? undefined : { revision };
  };

  const begin = async (request: KeyedRequest, mine: Entry & { is: "begun" }): Promise<Start> => {
    if (shares.isUsedUp(request.holder) && !(await store.read(request.name))) throw shareUsedUp();
    for (let tries = 0; tries < 3; tries++) {
      const revision = await store.create(request.name, encodeEntry(mine));
      if (revision !== undefined) return { revision };
      const start = await judge(request, mine);
      if (start) return start;
    }
    throw inFlight();
  };

  /** The entry may have been written although nobody said so; it would only be in the way. */
  const withdraw = async (name: string, owner: string): Promise<void> => {
    const found = await store.read(name);
    const entry = found && decodeEntry(found.value);
    if (found && entry?.is === "begun" && entry.owner === owner) await store.remove(name, found.revision);
  };

  const start = async (request: KeyedRequest, mine: Entry & { is: "begun" }): Promise<Start> => {
    try {
      return await begin(request, mine);
    } catch (error) {
      if (ownReasons.has(reasonOf(error))) throw error;
      // With the broker away nothing was sent.
      if (reasonOf(error) !== "nats_unreachable") {
        const attempt = () => withdraw(request.name, mine.owner);
        late.add({ bytes: 1024, untilMs: mine.untilMs, attempt });
      }
      throw unavailable(error);
    }
  };

  /** Tries it now, and later where that fails; waits no longer than is reasonable. */
  const settle = async (bytes: number, untilMs: number, attempt: () => Promise<void>): Promise<void> => {
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, policy.patienceMs);
    const work = attempt().catch((err: unknown) => {
      log.debug(
        { err },
        "what became of a request with an Idempotency-Key cannot be stored now; it is tried again",
      );
      late.add({ bytes, untilMs, attempt });
    });
    await Promise.race([work, patience.promise]);
    clearTimeout(timer);
  };

  const remember = (request: KeyedRequest, untilMs: number, revision: number, outcome: Outcome) => {
    const text = encodeOutcome(outcome);
    const fits = Buffer.byteLength(text) <= policy.answerBytes;
    const sealed = fits ? seal(request.secret, text) : undefined;
    const value = encodeEntry({ is: "done", print: request.print, sealed });
    shares.add(request.holder, value.length + policy.entryBytes);
    return settle(value.length, untilMs, async () => {
      if ((await store.replace(request.name, value, revision)) !== undefined) return;
      // The broker lost what it had, or somebody took over since this one took so long.
      await store.create(request.name, value);
    });
  };

  const once = async (
    request: KeyedRequest,
    timeoutMs: number,
    produce: () => Promise<Kept>,
  ): Promise<Kept> => {
    const untilMs = now() + timeoutMs + policy.marginMs;
    const mine = { is: "begun", print: request.print, owner: randomUUID(), untilMs } as const;
    const started = await start(request, mine);
    if ("outcome" in started) {
      if (started.outcome.error) throw started.outcome.error;
      return started.outcome.kept;
    }
    const { revision } = started;
    let kept: Kept;
    try {
      kept = await produce();
    } catch (thrown) {
      const error = toWireError(thrown);
      if (isLastWord(error)) await remember(request, untilMs, revision, { error });
      else await settle(1024, untilMs, () => store.remove(request.name, revision));
      throw thrown;
    }
    await remember(request, untilMs, revision, { kept });
    return kept;
  };

  return { once, close: late.close };
}

/** What is said to the client as it is; anything else is the store's trouble. */
const ownReasons: ReadonlySet<string> = new Set([
  "idempotency_key_reused",
  "idempotency_in_flight",
  "idempotency_answer_too_large",
  "idempotency_unavailable",
  "idempotency_share_used_up",
]);
