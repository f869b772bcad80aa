import { createHmac } from "node:crypto";
import type { Query } from "#mesh";
import { only } from "#mesh";
import { networkOf } from "./network.ts";

/** Names that stand for accounts and networks without telling which they are. */
export interface Pseudonyms {
  /** Of an account, whether it exists or not. */
  account(emailKey: string): string;
  /** Of the network that an address belongs to. */
  network(address: string): string;
}

/**
 * Keyed, because the addresses of people are few enough to be hashed one by
 * one until a plain hash matches.
 */
export function createPseudonyms(key: Uint8Array): Pseudonyms {
  const stand = (kind: string, name: string) =>
    createHmac("sha256", key).update(`${kind}:${name}`).digest("base64url");
  return {
    account: (emailKey) => stand("account", emailKey),
    network: (address) => stand("network", networkOf(address)),
  };
}

/** The key that all instances share; made by the migration. */
export async function readPseudonymKey(query: Query): Promise<Uint8Array> {
  return only(await query<{ key: Uint8Array }[]>`select key from pseudonym_key`).key;
}
