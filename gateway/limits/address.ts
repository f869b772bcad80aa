/**
 * Who counts as one client when nobody is signed in. An IPv6 customer holds a
 * whole /64 at least (RFC 6177), so all its addresses are one client; an IPv4
 * address written as IPv6 is the IPv4 address.
 */
export function addressIdentity(address: string): string {
  // IPv4, or none at all.
  if (address.indexOf(":") < 0) return address.length > 64 ? address.slice(0, 64) : address;
  const zone = address.indexOf("%");
  const bare = (zone < 0 ? address : address.slice(0, zone)).toLowerCase();
  const groups = groupsOf(bare);
  // Not an address: it is its own client, and no more than its own.
  if (!groups) return bare.slice(0, 64);
  const [a, b, c, d, e, f, g = 0, h = 0] = groups;
  if (a === 0 && b === 0 && c === 0 && d === 0 && e === 0 && f === 0xffff) {
    return `${g >> 8}.${g & 255}.${h >> 8}.${h & 255}`;
  }
  return `${hex(a)}:${hex(b)}:${hex(c)}:${hex(d)}::/64`;
}

const hex = (group = 0) => group.toString(16);

/** The eight groups of an IPv6 address (RFC 4291 §2.2), or nothing when it is none. */
function groupsOf(text: string): number[] | undefined {
  const gap = text.indexOf("::");
  if (gap < 0) {
    const all = numbersOf(text);
    return all?.length === 8 ? all : undefined;
  }
  const left = numbersOf(text.slice(0, gap));
  const right = numbersOf(text.slice(gap + 2));
  if (!left || !right || left.length + right.length > 7) return undefined;
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function numbersOf(text: string): number[] | undefined {
  if (text === "") return [];
  const numbers: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes(".")) {
      const bytes = part.split(".").map((it) => (/^\d{1,3}$/.test(it) ? Number(it) : 256));
      const [a = 0, b = 0, c = 0, d = 0] = bytes;
      if (bytes.length !== 4 || bytes.some((it) => it > 255)) return undefined;
      numbers.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/.test(part)) numbers.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return numbers;
}
