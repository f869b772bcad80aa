import { expect, test } from "vitest";
import { difference } from "./same-answer.ts";

const item = { id: "item-1", number: 1_700_000_000_001, flag: false, tags: ["a", "b"] };

test("an answer that is what was expected has no difference", () => {
  expect(difference(item, structuredClone(item))).toBeUndefined();
});

test("an int64 may be a string, to the digit", () => {
  expect(difference(item, { ...item, number: "1700000000001" })).toBeUndefined();
  expect(difference(item, { ...item, number: "1700000000002" })).toContain("answer.number");
  expect(difference(item, { ...item, number: "1.700000000001e12" })).toContain("answer.number");
});

test("a field may be left out only where it is empty", () => {
  expect(difference(item, { id: "item-1", number: 1_700_000_000_001, tags: ["a", "b"] })).toBeUndefined();
  expect(difference({ ...item, flag: true }, { ...item, flag: undefined })).toContain("answer.flag");
  expect(difference({ tags: [] }, {})).toBeUndefined();
  expect(difference(item, { ...item, tags: undefined })).toBe("answer.tags is not a list");
});

test("whatever else differs is named with its place", () => {
  expect(difference(item, { ...item, id: "item-2" })).toBe('answer.id is "item-2", not "item-1"');
  expect(difference({ items: [item] }, { items: [{ ...item, tags: ["a", "c"] }] })).toContain(
    "answer.items[0].tags[1]",
  );
  expect(difference({ items: [item] }, { items: [item, item] })).toBe("answer.items has 2, not 1");
  expect(difference(item, { success: true, data: item })).toBe("answer.success was not expected");
  expect(difference(item, "Not Found")).toBe('answer is "Not Found"');
});
