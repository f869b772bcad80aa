import { describe, expect, test } from "vitest";
import { parseEndpoints, urlsOf } from "./endpoints.ts";

describe("endpoints", () => {
  test("are name=url pairs, with room for spaces and for equal signs in the URL", () => {
    expect(parseEndpoints(" security=http://security:8008 , user=https://u/x?a=b, ")).toEqual({
      security: "http://security:8008",
      user: "https://u/x?a=b",
    });
    expect(parseEndpoints("")).toEqual({});
  });

  test("of one service may be several, one per copy", () => {
    const { order = "", user = "" } = parseEndpoints("order=http://a:8012|http://b:8012,user=http://u");
    expect(urlsOf(order)).toEqual(["http://a:8012", "http://b:8012"]);
    expect(urlsOf(user)).toEqual(["http://u"]);
  });

  test.each([
    "security",
    "=http://x",
    "security=",
    "security=security:8008",
    "security=//x",
    "a=ftp://x",
    "a=http://x|",
    "a=|http://x",
    "a=http://x|b",
  ])("%j is refused and told how to write it", (text) => {
    expect(() => parseEndpoints(text)).toThrow(/security=http:\/\/security:8008/);
  });
});
