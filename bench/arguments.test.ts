import { describe, expect, test } from "vitest";
import { choose, readArguments } from "./arguments.ts";

describe("the words of a benchmark run", () => {
  test("name the benchmark and say how to run it", () => {
    expect(readArguments(["rpc", "--json", "--quick", "--seconds", "1.5", "--peer", "a, b,a"])).toEqual({
      benchmark: "rpc",
      json: true,
      quick: true,
      features: false,
      help: false,
      seconds: 1.5,
      peers: ["a", "b"],
    });
  });

  test("may all be left out", () => {
    expect(readArguments([])).toMatchObject({
      benchmark: "",
      json: false,
      seconds: undefined,
      peers: undefined,
    });
  });

  test.each([
    [["rpc", "streams"], /one benchmark at a time/],
    [["rpc", "--fast"], /--fast/],
    [["rpc", "--seconds", "0"], /--seconds must be a number above 0/],
    [["rpc", "--seconds", "soon"], /not "soon"/],
    [["rpc", "--seconds", ""], /--seconds must be/],
    [["rpc", "--peer", ","], /names nobody/],
  ])("that mean nothing are refused: %j", (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });
});

describe("peers", () => {
  const known = [{ name: "a" }, { name: "b" }, { name: "c" }];

  test("are all of them unless some are named, in the order they are known", () => {
    expect(choose(known, undefined)).toEqual(known);
    expect(choose(known, ["c", "a"])).toEqual([{ name: "a" }, { name: "c" }]);
  });

  test("must be known", () => {
    expect(() => choose(known, ["a", "d"])).toThrow(/"d" is not a peer here; there are a, b, c/);
  });
});
