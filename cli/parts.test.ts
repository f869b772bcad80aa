import { expect, test } from "vitest";
import type { Command, Invocation } from "./command.ts";
import { countOf, runPart } from "./parts.ts";
import { openWorkspace } from "./workspace.ts";

const command: Command = { name: "jobs", summary: "", usage: "", run: async () => 0 };
const called: string[] = [];
const parts = {
  ls: { flags: ["queue"], run: async () => 0 },
  limit: { words: ["queue", "count", "reason?"], run: async ({ words }: Invocation) => words.length },
  retry: {
    words: ["job"],
    most: 2,
    run: async ({ words }: Invocation) => {
      called.push(...words);
      return 3;
    },
  },
};
const invoke = (words: string[], flags: Invocation["flags"] = {}, usual?: string) =>
  runPart({ command, parts, ...(usual && { usual }) }, { words, flags, workspace: openWorkspace() });

test("the first word names the part, and the part gets the others", async () => {
  expect(await invoke(["retry", "a", "b"])).toBe(3);
  expect(called).toEqual(["a", "b"]);
  expect(await invoke([], { queue: "x", json: true }, "ls")).toBe(0);
  expect(await invoke(["limit", "mail", "3"])).toBe(2);
});

test.each([
  [[], {}, "say which: ls, limit, retry"],
  [["toString"], {}, 'there is no "weft jobs toString"'],
  [["retry"], {}, "<job> is missing: weft jobs retry <job>"],
  [["limit", "mail"], {}, "<count> is missing: weft jobs limit <queue> <count> [reason]"],
  [["retry", "a", "b", "c"], {}, '"c" is one word too many'],
  [["ls", "more"], {}, '"more" is one word too many'],
  [["retry", "a"], { queue: "x" }, "--queue means nothing to weft jobs retry"],
] as [string[], Invocation["flags"], string][])(
  "words that are off are told: %j",
  async (words, flags, said) => {
    await expect(invoke(words, flags)).rejects.toThrow(said);
  },
);

test("a count is a whole number within its range", () => {
  const options = { command, fallback: 50, least: 1, most: 500 };
  expect(countOf({}, "limit", options)).toBe(50);
  expect(countOf({ limit: "500" }, "limit", options)).toBe(500);
  for (const limit of ["0", "501", "-1", "1.5", "x", ""]) {
    expect(() => countOf({ limit }, "limit", options), limit).toThrow("a whole number from 1 to 500");
  }
});
