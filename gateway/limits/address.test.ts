import fc from "fast-check";
import { expect, test } from "vitest";
import { addressIdentity } from "./address.ts";

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["::ffff:203.0.113.9", "203.0.113.9"],
  ["::FFFF:cb00:7109", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::", "2001:db8:1:2::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::203.0.113.9", "64:ff9b:0:0::/64"],
])("%s is %s", (address, identity) => {
  expect(addressIdentity(address)).toBe(identity);
});

test.each(["1:2:3", "1:2:3:4:5:6:7:8:9", "g::1", "::1::2", "::1.2.3.400", "12345::", "[::1]:80"])(
  "%s is no address and stands for itself",
  (text) => {
    expect(addressIdentity(text)).toBe(text);
  },
);

test("all of a /64 are one, and no two /64 are", () => {
  const group = fc.nat(0xffff);
  const four = fc.tuple(group, group, group, group);
  const write = (groups: readonly number[]) => groups.map((it) => it.toString(16)).join(":");
  fc.assert(
    fc.property(four, four, four, four, (network, other, host, otherHost) => {
      const same =
        addressIdentity(write([...network, ...host])) === addressIdentity(write([...other, ...otherHost]));
      expect(same).toBe(write(network) === write(other));
      expect(addressIdentity(write([...network, ...host]))).toBe(
        addressIdentity(write([...network, ...otherHost])),
      );
    }),
  );
});

test("whatever is given, the identity is short", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (text) => {
      expect(addressIdentity(text).length).toBeLessThanOrEqual(64);
    }),
  );
});
