import { expect, test } from "vitest";
import { networkOf } from "./network.ts";

test("an IPv4 address is its own network, however it is written", () => {
  expect(networkOf("203.0.113.7")).toBe("203.0.113.7");
  expect(networkOf("::ffff:203.0.113.7")).toBe("203.0.113.7");
});

test("the addresses of one IPv6 /64 are one network", () => {
  const one = networkOf("2001:db8:1:2::1");
  expect(networkOf("2001:0db8:0001:0002:aaaa:bbbb:cccc:dddd")).toBe(one);
  expect(networkOf("2001:db8:1:2::1%eth0")).toBe(one);
  expect(networkOf("2001:db8:1:3::1")).not.toBe(one);
});

test("shortened addresses are read in full", () => {
  expect(networkOf("::1")).toBe("0:0:0:0::/64");
  expect(networkOf("fe80::")).toBe("fe80:0:0:0::/64");
  expect(networkOf("64:ff9b::192.0.2.1")).toBe("64:ff9b:0:0::/64");
});

test("what is no address stands for itself", () => {
  expect(networkOf("")).toBe("");
  expect(networkOf("somewhere")).toBe("somewhere");
});
