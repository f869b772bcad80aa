import { Code } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasonOf, WeftError } from "../errors.ts";
import { decodePage, encodePage, fitting, paged, pagePart, pageSize } from "./page.ts";

const anything = /^/;

describe("a page token", () => {
  test("with a part of another form is refused, so that no cast in SQL can fail on it", () => {
    const refused = (form: RegExp, part: string) => () => decodePage(encodePage([part]), [form]);
    expect(refused(pagePart.uuid, "1; drop table users")).toThrow(/page_token/);
    expect(refused(pagePart.number, "-1")).toThrow(/page_token/);
    expect(refused(pagePart.number, "9".repeat(19))).toThrow(/page_token/);
    expect(refused(pagePart.time, "yesterday")).toThrow(/page_token/);
    expect(refused(pagePart.text, "a\0b")).toThrow(/page_token/);
  });

  test("gives back the key it was made of", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom("a", "é", "𝒳", "\0", '"', "\\", " ") }), {
          minLength: 1,
          maxLength: 4,
        }),
        (key) => {
          expect(
            decodePage(
              encodePage(key),
              key.map(() => anything),
            )?.join("|"),
          ).toBe(key.join("|"));
        },
      ),
    );
  });

  test("that is empty is the first page", () => {
    expect(decodePage("", [anything, anything])).toBeUndefined();
  });

  test("that nobody gave out is an invalid argument, and nothing else", () => {
    const forged = fc.jsonValue().map((json) => Buffer.from(JSON.stringify(json)).toString("base64url"));
    fc.assert(
      fc.property(fc.oneof(fc.string({ minLength: 1 }), forged), (token) => {
        try {
          const key = decodePage(token, [anything, anything]);
          expect(key).toHaveLength(2);
          expect(key?.every((it) => typeof it === "string")).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(WeftError);
          expect((error as WeftError).code).toBe(Code.InvalidArgument);
          expect(reasonOf(error)).toBe("bad_page_token");
        }
      }),
    );
  });

  test("of another method, with another number of parts, is refused", () => {
    expect(() => decodePage(encodePage(["a"]), [anything, anything])).toThrow(/page_token/);
    expect(() => decodePage(encodePage([1 as never, "b"]), [anything, anything])).toThrow(/page_token/);
  });
});

test("walking by tokens visits every row once, whatever the page size", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 999 })),
      fc.integer({ min: 1, max: 20 }),
      (values, size) => {
        const rows = values.sort((a, b) => a - b);
        const seen: number[] = [];
        let token = "";
        do {
          const [after] = decodePage(token, [/^\d+$/]) ?? ["-1"];
          const found = rows.filter((row) => row > Number(after)).slice(0, size + 1);
          const page = paged(found, size, (row) => [String(row)]);
          expect(page.rows.length).toBeLessThanOrEqual(size);
          seen.push(...page.rows);
          token = page.nextPageToken;
        } while (token !== "");
        expect(seen).toEqual(rows);
      },
    ),
  );
});

test("a page has fifty rows unless the caller says otherwise", () => {
  expect([pageSize(0), pageSize(7)]).toEqual([50, 7]);
});

test("a page has as many messages as fit into an answer, one at least, and goes on behind them", () => {
  const rows = Array.from({ length: 10 }, (_, at) => `${at}`);
  const size = 600 * 1024;
  const toMessage = (id: string) => ({ id, text: "x".repeat(size), big: 1n });
  const { messages, nextPageToken } = fitting({ rows, nextPageToken: "more" }, toMessage, (id) => [id]);
  expect(messages.map(({ id }) => id)).toEqual(["0", "1", "2"]);
  expect(decodePage(nextPageToken, [/^\d$/])).toEqual(["2"]);
  const small = fitting(
    { rows, nextPageToken: "more" },
    (id) => ({ id }),
    (id) => [id],
  );
  expect(small).toMatchObject({ nextPageToken: "more" });
  expect(small.messages).toHaveLength(10);
  const alone = fitting(
    { rows: ["0"], nextPageToken: "" },
    () => ({ text: "x".repeat(5 * size) }),
    () => ["0"],
  );
  expect(alone.messages).toHaveLength(1);
});
