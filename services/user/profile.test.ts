import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasonOf } from "#mesh";
import { distinctPaths, type ProfileValues, updatedProfile } from "./profile.ts";

const current: ProfileValues = {
  displayName: "Ama",
  bio: "Baker",
  phone: "+233201234567",
  locale: "en-GH",
  timeZone: "Africa/Accra",
  avatarFileId: "019aa0b6-7a5c-7000-8000-000000000000",
};

const names = {
  display_name: "displayName",
  bio: "bio",
  phone: "phone",
  locale: "locale",
  time_zone: "timeZone",
  avatar_file_id: "avatarFileId",
} as const;
const paths = Object.keys(names) as (keyof typeof names)[];

const validProfile: fc.Arbitrary<ProfileValues> = fc.record({
  displayName: fc
    .string({ minLength: 1, maxLength: 40 })
    .filter((it) => /^[^\p{Cc}]*$/u.test(it) && it.trim() !== ""),
  bio: fc.string({ maxLength: 100 }).filter((it) => !it.includes("\0")),
  phone: fc.constantFrom("", "+4915112345678", "+12025550123"),
  locale: fc.constantFrom("", "fr", "fr-CI", "zh-Hant-TW"),
  timeZone: fc.constantFrom("", "UTC", "Europe/Berlin", "Asia/Kolkata"),
  avatarFileId: fc.oneof(fc.constant(""), fc.uuid()),
});

const hostile = "X\u001b[31m\n\u009b\u202e";
const messageOf = (attempt: () => unknown): string => {
  try {
    attempt();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was not refused");
};

describe("profile update", () => {
  test("changes exactly the fields of the mask", () => {
    fc.assert(
      fc.property(validProfile, fc.subarray(paths, { minLength: 1 }), (changes, mask) => {
        const after = updatedProfile(current, changes, mask);
        for (const path of paths) {
          const field = names[path];
          expect(after[field]).toBe(mask.includes(path) ? changes[field].trim() : current[field]);
        }
      }),
    );
  });

  test("what stands outside the mask is not even looked at", () => {
    fc.assert(
      fc.property(fc.record({ phone: fc.string(), timeZone: fc.string(), locale: fc.string() }), (junk) => {
        expect(updatedProfile(current, { ...junk, bio: "New" }, ["bio"])).toEqual({ ...current, bio: "New" });
      }),
    );
  });

  test("without a mask everything is replaced", () => {
    fc.assert(
      fc.property(validProfile, (changes) => {
        const trimmed = { ...changes, displayName: changes.displayName.trim(), bio: changes.bio.trim() };
        expect(updatedProfile(current, changes, [])).toEqual(trimmed);
      }),
    );
    expect(() => updatedProfile(current, { bio: "only this" }, [])).toThrow(/display_name/);
  });

  test("the mask of all fields is the same as none", () => {
    fc.assert(
      fc.property(validProfile, (changes) => {
        expect(updatedProfile(current, changes, paths)).toEqual(updatedProfile(current, changes, []));
      }),
    );
  });

  test("an unknown path is refused by name, with the names there are", () => {
    try {
      updatedProfile(current, {}, ["bio", "email"]);
      expect.unreachable();
    } catch (error) {
      expect(reasonOf(error)).toBe("unknown_field");
      expect((error as Error).message).toMatch(
        /"email".*display_name, bio, phone, locale, time_zone, avatar_file_id/,
      );
    }
  });

  test("a mask names each field once, however often it was sent, and not without end", () => {
    expect(distinctPaths(["bio", "phone", "bio", "bio"])).toEqual(["bio", "phone"]);
    expect(distinctPaths(Array(16).fill("bio"))).toEqual(["bio"]);
    expect(() => distinctPaths(Array(17).fill("bio"))).toThrow(/17 paths.*16 at most/);
  });

  test.each([
    ["time_zone", () => updatedProfile(current, { timeZone: hostile }, ["time_zone"])],
    ["update_mask", () => updatedProfile(current, {}, [hostile])],
  ])("the error of a bad %s shows control characters, but does not hold them", (_, update) => {
    const message = messageOf(update);
    expect(message).toContain(String.raw`"X\u001b[31m\n\u{9b}\u{202e}"`);
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test.each([
    [{ displayName: "" }, "display_name", /display_name/],
    [{ displayName: "   " }, "display_name", /display_name/],
    [{ displayName: "two\nlines" }, "display_name", /display_name.*one line/],
    [{ bio: "a\0b" }, "bio", /bio.*NUL/],
    [{ bio: "x".repeat(1001) }, "bio", /bio/],
    [{ phone: "0201234567" }, "phone", /phone/],
    [{ locale: "english please" }, "locale", /locale/],
    [{ locale: "en-US-US" }, "locale", /locale.*BCP 47/],
    [{ timeZone: "Africa/Wakanda" }, "time_zone", /Africa\/Wakanda.*IANA/],
    [{ timeZone: "+01:00" }, "time_zone", /IANA/],
    [{ avatarFileId: "me.png" }, "avatar_file_id", /avatar_file_id/],
  ])("refuses %j", (changes, path, message) => {
    expect(() => updatedProfile(current, changes, [path])).toThrow(message);
  });
});
