import { describe, expect, test } from "vitest";
import { parseEndpoints } from "./endpoints.ts";

describe("endpoints", () => {
  test("are name=url pairs, with room for spaces and for equal signs in the URL", () => {
    expect(parseEndpoints(" security=http://security:8008 , user=https://u/x?a=b, ")).toEqual({
      security: "http://security:8008",
      user: "https://u/x?a=b",
    });
    expect(parseEndpoints("")).toEqual({});
  });

  test.each(["security", "=http://x", "security=", "security=security:8008", "security=//x", "a=ftp://x"])(
    "%j is refused and told how to write it",
    (text) => {
      expect(() => parseEndpoints(text)).toThrow(/security=http:\/\/security:8008/);
    },
  );
});
