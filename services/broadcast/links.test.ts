import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CreateBroadcastRequestSchema } from "#gen/broadcast/v1/broadcast_pb.js";
import { leadsInside } from "./links.ts";

const platform = "https://shop.example.com";
const validator = createValidator();

/** Whether the contract takes it. */
const isTaken = (link: string): boolean => {
  const request = create(CreateBroadcastRequestSchema, {
    name: "N",
    topic: "news",
    segment: {},
    content: { case: "words", value: { subject: "S", text: "T" } },
    link,
  });
  return validator.validate(CreateBroadcastRequestSchema, request).kind === "valid";
};

const paths = ["", "/", "/products", "/products/0199?a=b#c", "/a//b", "/ünï"];
const addresses = ["https://example.com", "https://example.com/a?b=c"];
const others = [
  "//evil.example.com",
  "/\\evil.example.com",
  "\\\\evil.example.com",
  "/\t/evil.example.com",
  "/\n/evil.example.com",
  "/a b",
  " /a",
  "/a\n",
  "evil.example.com",
  "javascript:alert(1)",
  "data:text/html,x",
  "http://example.com",
  "HTTPS://example.com",
  "https://",
  "https:// a",
  "https:/a",
];

describe("a link", () => {
  test("leads inside when it is a path of the platform, or nothing", () => {
    expect(paths.filter((it) => !leadsInside(it))).toEqual([]);
    expect([...addresses, ...others].filter(leadsInside)).toEqual([]);
  });

  test("is taken by the contract when it leads inside, or to an https address", () => {
    expect([...paths, ...addresses].filter((it) => !isTaken(it))).toEqual([]);
    expect(others.filter(isTaken)).toEqual([]);
  });

  test("that leads inside stays on the platform in every browser, and the contract takes it", () => {
    const pieces = fc.constantFrom(
      "/",
      "\\",
      "\t",
      "\n",
      " ",
      ".",
      "..",
      ":",
      "@",
      "evil.com",
      "https:",
      "?",
      "#",
    );
    const links = fc.array(pieces, { maxLength: 8 }).map((it) => `/${it.join("")}`);
    fc.assert(
      fc.property(links, (link) => {
        if (!leadsInside(link)) return;
        expect(new URL(link, platform).origin).toBe(platform);
        expect(isTaken(link)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
