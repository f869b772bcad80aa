import { isIPv6 } from "node:net";

/**
 * The network that an address stands for when tries are counted. One customer
 * of a provider holds a whole IPv6 /64 (RFC 6177), so its addresses are one.
 */
export function networkOf(address: string): string {
  const [bare = ""] = address.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(bare)) return bare;
  return `${groupsOf(bare)
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

/** All eight groups, those that `::` leaves out too. */
function groupsOf(address: string): string[] {
  // A dotted end is the last two groups, which are not looked at.
  const [head = "", tail] = address.replace(/\d+\.\d+\.\d+\.\d+$/, "0:0").split("::");
  const before = head ? head.split(":") : [];
  if (tail === undefined) return before;
  const after = tail ? tail.split(":") : [];
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}
