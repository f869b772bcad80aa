import type { BlockList } from "node:net";
import { clientAddress } from "./client-address.ts";

/** The address that a request comes from, by that of its socket and what proxies say. */
export type ClientOf = (socketAddress: string, forwardedFor: string | undefined) => string;

export const createClientOf =
  (trusted: BlockList): ClientOf =>
  (socketAddress, forwardedFor) =>
    clientAddress(socketAddress, forwardedFor, trusted);
