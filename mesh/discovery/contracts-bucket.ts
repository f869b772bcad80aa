import type { FileRegistry } from "@bufbuild/protobuf";
import type { KV } from "@nats-io/kv";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { Nats } from "../nats/nats.ts";
import type { ContractSet } from "./contracts.ts";
import { hashOf, mostContractBytes, readContracts } from "./contracts.ts";
import { repeatAtBroker } from "./repeat.ts";

/** Descriptor sets under their hash. */
export const contractsBucket = "weft_contracts";

/** Long after the last instance that serves them is gone, contracts go too. */
const ttlMs = 7 * 24 * 3_600_000;
/** Put again long before it ends; clocks need not agree better than that. */
const keepEveryMs = 24 * 3_600_000;
/** A set is some hundred times larger than an announcement, and less urgent when the broker comes back. */
const spreadMs = 5000;
/** Room for the subject and headers that go with a value. */
const envelopeBytes = 1024;

const openContractsBucket = (nats: Nats): Promise<KV> =>
  nats.bucket(contractsBucket, { ttl: ttlMs, history: 1, maxValueSize: mostContractBytes + envelopeBytes });

/** Puts a set where others find it by its hash, unless it is there. Throws when it is too large for that. */
export async function publishContracts(
  nats: Nats,
  contracts: ContractSet,
  now: () => number = Date.now,
): Promise<void> {
  refuseTooLarge(nats, contracts);
  const bucket = await openContractsBucket(nats);
  const { hash, bytes } = contracts;
  const there = await bucket.get(hash);
  const isFresh = there && now() - there.created.getTime() < keepEveryMs / 2;
  if (isFresh && there.operation === "PUT" && hashOf(there.value) === hash) return;
  await bucket.put(hash, bytes);
}

/** Publishes a set and sees to it that it stays, also when the broker loses its memory. Throws when it is too large. */
export function keepContracts(options: {
  nats: Nats;
  log: Logger;
  contracts: ContractSet;
  /** Default: `Math.random`. */
  random?: () => number;
}): { readonly published: Promise<void>; stop(): Promise<void> } {
  const { nats, log, contracts, random = Math.random } = options;
  refuseTooLarge(nats, contracts);
  const { done, stop } = repeatAtBroker({
    nats,
    log,
    what: "publish the contracts of this instance",
    everyMs: keepEveryMs,
    spreadMs,
    random,
    work: () => publishContracts(nats, contracts),
  });
  return { published: done, stop };
}

/** The contracts that an instance announces with this hash. */
export async function loadContracts(nats: Nats, hash: string): Promise<FileRegistry> {
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw fail.invalid("bad_contracts_hash", "contracts are found by a SHA-256 in hex", {
      remedy: "take it from what an instance announces",
    });
  }
  const entry = await (await openContractsBucket(nats)).get(hash);
  if (entry?.operation !== "PUT") {
    throw fail.notFound("contracts_not_found", `nobody has published contracts ${hash.slice(0, 12)}`, {
      remedy: "an instance that serves them does so when it starts; try again",
    });
  }
  return readContracts(hash, entry.value);
}

function refuseTooLarge(nats: Nats, { bytes }: ContractSet): void {
  const payload = nats.connection.info?.max_payload ?? mostContractBytes;
  const most = Math.min(mostContractBytes, payload - envelopeBytes);
  if (bytes.length <= most) return;
  throw fail.precondition(
    "contracts_too_large",
    `the contracts of this service take ${bytes.length} bytes and NATS takes ${most}`,
    {
      remedy:
        most === mostContractBytes
          ? "divide the service, or leave out what its files import and do not need"
          : "raise max_payload in the configuration of NATS",
    },
  );
}
