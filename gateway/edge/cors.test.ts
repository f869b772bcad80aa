import { cors as connect } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { NodeServerRequest, NodeServerResponse } from "#mesh/server/node.ts";
import { answerPreflight, createCors, exposedHeaders } from "./cors.ts";

const shop = "https://shop.example.com";
const dev = "http://localhost:5173";

const preflight = (origin: string, configured: readonly string[]): Record<string, string> => {
  const sent: Record<string, string> = {};
  const response = { writeHead: (_: number, head: object) => Object.assign(sent, head), end: () => {} };
  const request = { method: "OPTIONS", headers: { origin } } as unknown as NodeServerRequest;
  answerPreflight(createCors(configured, false), request, response as unknown as NodeServerResponse);
  return sent;
};
const listed = (header: string | undefined) => header?.split(", ") ?? [];

describe("what pages may use the API", () => {
  test("are those that are named, to the letter", () => {
    const { allowed } = createCors([shop], false);
    expect(allowed(shop)).toBe(shop);
    for (const other of [
      "http://shop.example.com",
      "https://shop.example.com:8443",
      "https://shop.example.com.evil.net",
      "https://a.shop.example.com",
      "null",
      "",
      undefined,
    ]) {
      expect(allowed(other), other).toBeUndefined();
    }
  });

  test("are all of them for *, and then by no name", () => {
    expect(createCors(["*"], false).allowed(shop)).toBe("*");
  });

  test("are those of usual frontends in development, where none are named", () => {
    expect(createCors([], true).allowed(dev)).toBe(dev);
    expect(createCors([], false).allowed(dev)).toBeUndefined();
    expect(createCors([shop], true).allowed(dev)).toBeUndefined();
  });
});

describe("a browser that asks first", () => {
  test("is told of all that clients of Connect and gRPC-Web send and read", () => {
    const sent = preflight(shop, [shop]);
    const allowed = listed(sent["access-control-allow-headers"]);
    expect(allowed).toEqual(expect.arrayContaining(connect.allowedHeaders.map((it) => it.toLowerCase())));
    expect(listed(exposedHeaders)).toEqual(
      expect.arrayContaining(connect.exposedHeaders.map((it) => it.toLowerCase())),
    );
    expect(listed(sent["access-control-allow-methods"])).toEqual(
      expect.arrayContaining([...connect.allowedMethods]),
    );
  });

  test("is never told to send cookies", () => {
    expect(preflight(shop, [shop])).not.toHaveProperty("access-control-allow-credentials");
  });

  test("is told nothing for a page that is not named, but that origins matter", () => {
    const sent = preflight("https://evil.net", [shop]);
    expect(Object.keys(sent)).toEqual(["vary"]);
    expect(sent.vary).toContain("origin");
  });
});
