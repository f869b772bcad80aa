import type { Logger, Nats } from "#mesh";
import { mostContractBytes, readContracts } from "#mesh/discovery/contracts.ts";
import { contractsBucket } from "#mesh/discovery/contracts-bucket.ts";
import { followBucket } from "#mesh/nats/follow-bucket.ts";
import type { MessageTypes } from "./message-types.ts";

/** As those who publish contracts open it. */
const bucketOptions = { ttl: 7 * 24 * 3_600_000, history: 1, maxValueSize: mostContractBytes + 1024 };

/** Learns the types of what services publish, also of those that are not running now. Gives back how to stop. */
export function followTypes(nats: Nats, types: MessageTypes, log: Logger): () => void {
  const following = followBucket({
    nats,
    log,
    what: "contracts of services",
    open: () => nats.bucket(contractsBucket, bucketOptions),
    entry: ({ key, operation, value }) => {
      if (operation !== "PUT") return;
      try {
        types.learn(readContracts(key, value));
      } catch (err) {
        log.warn({ err, contracts: key.slice(0, 12) }, "contracts are passed over");
      }
    },
    current: () => {},
    lost: () => {},
  });
  return () => following.stop();
}
