import { expect, test } from "vitest";
import { placeOf } from "./network.ts";

test.each([
  ["203.0.113.9", "203.0.0.0/16"],
  ["::ffff:203.0.113.9", "203.0.0.0/16"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"],
  ["2001:0DB8:0001::6", "2001:db8:1::/48"],
  ["2001:db8::1", "2001:db8:0::/48"],
  ["::1", "0:0:0::/48"],
  ["fe80::1%eth0", "fe80:0:0::/48"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0::/48"],
  ["", ""],
  ["unknown", ""],
  ["300.1.1.1", ""],
])("%j is in %j", (address, place) => {
  expect(placeOf(address)).toBe(place);
});
