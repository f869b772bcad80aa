import type { BlockList } from "node:net";
import { isIP } from "node:net";

/** A proxy in front of us adds one; more than this is somebody's invention. */
const mostHops = 32;

/**
 * Where a request comes from. What it says itself counts only as far as proxies
 * that we trust wrote it: they append, so it is read from the end.
 */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | undefined,
  trusted: BlockList,
): string {
  let client = plainAddress(socketAddress);
  if (forwardedFor === undefined) return client;
  const hops = forwardedFor.split(",").slice(-mostHops);
  while (isIn(trusted, client)) {
    const hop = plainAddress(hops.pop()?.trim() ?? "");
    if (!isIP(hop)) break;
    client = hop;
  }
  return client;
}

export const isIn = (list: BlockList, address: string): boolean => {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? "ipv6" : "ipv4");
};

/** An IPv4 peer of a socket for both families is the same peer (RFC 4291 §2.5.5.2). */
const mapped = "::ffff:";
const plainAddress = (address: string): string =>
  address.startsWith(mapped) && isIP(address.slice(mapped.length)) === 4
    ? address.slice(mapped.length)
    : address;
