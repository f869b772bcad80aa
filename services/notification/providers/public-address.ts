import { BlockList, isIP } from "node:net";

/** Addresses that are none of a host on the internet (IANA's special-purpose registries). */
const special = new BlockList();
const ranges4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // No special-purpose address by name, but the host of a machine at Azure.
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
for (const [net, prefix] of ranges4) special.addSubnet(net, prefix, "ipv4");

/** Global unicast alone (RFC 4291 §2.4), without the parts of it that lead elsewhere. */
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");
const special6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];
for (const [net, prefix] of special6) special.addSubnet(net, prefix, "ipv6");

/** Whether it is the address of a host on the internet, and none of this network or machine. */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, "");
  const family = isIP(plain);
  if (family === 4) return !special.check(plain, "ipv4");
  if (family === 6) return global6.check(plain, "ipv6") && !special.check(plain, "ipv6");
  return false;
}

/** Whether a URL may lead to the internet: what its name resolves to is seen when it is called. */
export function mayBePublic(url: URL): boolean {
  const { protocol, hostname, port, username, password } = url;
  if (protocol !== "https:" || port !== "" || username !== "" || password !== "") return false;
  if (hostname.startsWith("[") || isIP(hostname) !== 0) return isPublicAddress(hostname);
  const labels = hostname.replace(/\.$/, "").split(".");
  const top = labels.at(-1) ?? "";
  return labels.length > 1 && !["local", "localhost", "internal", "home", "lan", "arpa"].includes(top);
}
