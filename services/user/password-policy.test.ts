import { describe, expect, test } from "vitest";
import { reasonOf } from "#mesh";
import { isCommonPassword } from "./common-passwords.ts";
import { normalPassword, requireGoodPassword } from "./password-policy.ts";

const problemOf = (password: string, email = "ama.owusu@example.com") => {
  try {
    requireGoodPassword(password, email);
    return "";
  } catch (error) {
    return `${reasonOf(error)}: ${(error as Error).message}`;
  }
};

describe("password policy", () => {
  test.each([
    "password",
    "Password1",
    "P@ssw0rd!",
    "passw0rd123",
    "123456789",
    "987654321",
    "aaaaaaaa",
    "abcabcabc",
    "qwertyuiop",
    "1q2w3e4r",
    "1qaz2wsx",
    "iloveyou2",
    "Welcome2024",
    "dragondragon",
    "!admin123",
    "letmein1",
    "sunshine",
    "football99",
    "summer2025",
  ])("refuses %s, which everybody tries", (password) => {
    expect(problemOf(password)).toMatch(/^weak_password: .*everybody tries first; choose one/);
  });

  test.each([
    "correct horse battery staple",
    "love8371920483",
    "Tr0ub4dor&3x",
    "vnK2-pq81-Zzt",
    "ɛyɛ me dɛ paa",
  ])("takes %s", (password) => {
    expect(problemOf(password)).toBe("");
  });

  test("refuses the e-mail address and what stands before its @, in any case", () => {
    expect(problemOf("AMA.owusu@Example.com")).toMatch(/e-mail address/);
    expect(problemOf("Ama.Owusu")).toMatch(/e-mail address/);
  });

  test("counts characters, not code units, after normalisation", () => {
    expect(problemOf("🐘🦏🦁🐆")).toMatch(/shorter than 8/);
  });

  test("the same letters from different keyboards are the same password", () => {
    expect(normalPassword("cafe\u0301 au lait")).toBe(normalPassword("caf\u00e9 au lait"));
  });

  test("what is put around a common word may be long enough to be a password of its own", () => {
    expect(isCommonPassword("monkey12345")).toBe(true);
    expect(isCommonPassword("monkey123856")).toBe(false);
  });
});
