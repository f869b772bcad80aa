import { isIPv4, isIPv6 } from "node:net";

/**
 * The network that stands for a place: what a provider gives to one region, in
 * the rough. A /16 of IPv4, a /48 of IPv6; empty for what is no address.
 */
export function placeOf(address: string): string {
  const [bare = ""] = address.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
  if (isIPv4(mapped)) return `${mapped.split(".").slice(0, 2).join(".")}.0.0/16`;
  if (isIPv6(bare)) return `${groupsOf(bare).slice(0, 3).join(":")}::/48`;
  return "";
}

/** All eight groups without leading zeros, those that `::` leaves out too. */
function groupsOf(address: string): string[] {
  // A dotted end is the last two groups, which are not looked at.
  const [head = "", tail] = address.replace(/\d+\.\d+\.\d+\.\d+$/, "0:0").split("::");
  const before = head ? head.split(":") : [];
  const after = tail ? tail.split(":") : [];
  const left = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...left, ...after].map((group) => Number.parseInt(group, 16).toString(16));
}
