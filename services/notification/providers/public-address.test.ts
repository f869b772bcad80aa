import { expect, test } from "vitest";
import { isPublicAddress, mayBePublic } from "./public-address.ts";

test.each([
  "8.8.8.8",
  "172.32.0.1",
  "192.167.255.255",
  "100.128.0.1",
  "2606:4700::1111",
  "[2a00:1450:4001:81b::200e]",
])("%s is on the internet", (address) => expect(isPublicAddress(address)).toBe(true));

test.each([
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "127.0.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "168.63.129.16",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "64:ff9b::7f00:1",
  "fc00::1",
  "fe80::1",
  "ff02::1",
  "2002:7f00:1::",
  "2001:db8::1",
  "localhost",
  "",
])("%s is not", (address) => expect(isPublicAddress(address)).toBe(false));

test("only names that may lead to the internet are taken, and only over TLS", () => {
  const may = (url: string) => mayBePublic(new URL(url));
  expect(may("https://fcm.googleapis.com/fcm/send/x")).toBe(true);
  // Other ways to write 127.0.0.1, which URLs make plain.
  for (const host of ["2130706433", "0x7f.1", "127.1", "localhost", "queue", "db.internal", "a.localhost."]) {
    expect([host, may(`https://${host}/`)]).toEqual([host, false]);
  }
  expect(may("http://push.example.com/")).toBe(false);
  expect(may("https://push.example.com:8443/")).toBe(false);
  expect(may("https://user:pass@push.example.com/")).toBe(false);
});
