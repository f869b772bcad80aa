import { describe, expect, test } from "vitest";
import { difference, messagesOf } from "./messages.ts";

describe("answers", () => {
  const wanted = messagesOf(Number).item(1);

  test("are the same whichever way their codec holds int64, and whatever else it adds", () => {
    const answer = { ...messagesOf(BigInt).item(1), $typeName: "bench.v1.EchoResponse" };
    expect(difference(wanted, answer)).toBeUndefined();
    expect(difference(messagesOf(BigInt).items(3), messagesOf(Number).items(3))).toBeUndefined();
  });

  test.each([
    ["a text", { ...wanted, text: "x" }, "answer.text is x"],
    ["an int64", { ...wanted, number: 5n }, "answer.number is 5"],
    ["a double", { ...wanted, ratio: 0.5 }, "answer.ratio is 0.5"],
    ["a missing flag", { ...wanted, flag: undefined }, "answer.flag is undefined"],
    ["a shorter list", { ...wanted, tags: ["measure"] }, "answer.tags is not a list of 3"],
    ["an element", { ...wanted, tags: ["measure", "compare", "tag-2"] }, "answer.tags.2 is tag-2"],
    ["nothing", undefined, "answer is undefined"],
  ])("differ by %s", (_, answer, told) => {
    expect(difference(wanted, answer)).toContain(told);
  });
});
