import { expect, test } from "vitest";
import { emailKey, localPart } from "./email.ts";
import { createPseudonyms } from "./pseudonyms.ts";

test("an address is one account however it is typed", () => {
  expect(emailKey("  Ama.Owusu@Example.COM ")).toBe("ama.owusu@example.com");
  expect(localPart("ama.owusu@example.com")).toBe("ama.owusu");
  expect(localPart("nonsense")).toBe("");
});

test("a pseudonym is stable, tells nothing, and depends on the key and the kind", () => {
  const ours = createPseudonyms(Buffer.from("one key"));
  const theirs = createPseudonyms(Buffer.from("another key"));
  expect(ours.account("a@b.c")).toBe(ours.account("a@b.c"));
  expect(ours.account("a@b.c")).not.toContain("a@b.c");
  expect(ours.account("a@b.c")).not.toBe(theirs.account("a@b.c"));
  expect(ours.account("10.0.0.1")).not.toBe(ours.network("10.0.0.1"));
});
