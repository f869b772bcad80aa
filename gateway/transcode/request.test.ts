import { fromBinary, toJson } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { WeftError } from "#mesh/errors.ts";
import type { TestBinding } from "../testing/library-binding.ts";
import { libraryBinding } from "../testing/library-binding.ts";
import { libraryRegistry as registry } from "../testing/library-contract.ts";
import { compileRequest } from "./request.ts";

interface Sent {
  captures?: string[];
  query?: string;
  body?: unknown;
  contentType?: string;
}

/** What the callee sees of a request. */
function seenBy(rule: TestBinding) {
  const binding = libraryBinding(rule);
  const write = compileRequest(binding, registry);
  return ({ captures = [], query = "", body, contentType = "application/json" }: Sent = {}) => {
    const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
    const bytes = write({
      captures,
      query,
      body: text === undefined ? undefined : Buffer.from(text),
      contentType,
    });
    const { input } = binding.method;
    return toJson(input, fromBinary(input, bytes), { registry, useProtoFieldName: true });
  };
}

function refusal(run: () => unknown): { reason: string; message: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    expect(error.code).toBe(Code.InvalidArgument);
    return { reason: error.reason, message: error.rawMessage };
  }
  throw new Error("it was not refused");
}

describe("the examples of the rule", () => {
  test("GET with the path alone", () => {
    const get = seenBy({ verb: "GET", variables: ["shelf"] });
    expect(get({ captures: ["messages/123456"] })).toEqual({ shelf: "messages/123456" });
  });

  test("GET with path and query", () => {
    const get = seenBy({ verb: "GET", variables: ["shelf"] });
    expect(get({ captures: ["123456"], query: "revision=2&filter.tag=foo" })).toEqual({
      shelf: "123456",
      revision: "2",
      filter: { tag: "foo" },
    });
  });

  test("PATCH with the body in a field", () => {
    const patch = seenBy({ verb: "PATCH", variables: ["shelf"], body: "book" });
    expect(patch({ captures: ["123456"], body: { title: "Hi!" } })).toEqual({
      shelf: "123456",
      book: { title: "Hi!" },
      update_mask: "title",
    });
  });

  test("PATCH with all in the body but what the path says", () => {
    const patch = seenBy({ verb: "PATCH", variables: ["shelf"], body: "*" });
    expect(patch({ captures: ["1"], body: { page_token: "Hi!" } })).toEqual({
      shelf: "1",
      page_token: "Hi!",
    });
  });

  test("an additional binding that sets two fields, one within another message", () => {
    const get = seenBy({ verb: "GET", variables: ["book.author.given_name", "shelf"] });
    expect(get({ captures: ["me", "123456"], query: "page_size=3" })).toEqual({
      book: { author: { given_name: "me" } },
      shelf: "123456",
      page_size: 3,
    });
  });

  test("a body that is a list fills a repeated field", () => {
    const post = seenBy({ body: "books" });
    expect(post({ body: [{ title: "a" }, { pages: 2 }] })).toEqual({ books: [{ title: "a" }, { pages: 2 }] });
    expect(seenBy({ body: "page_size" })({ body: 7 })).toEqual({ page_size: 7 });
    expect(seenBy({ body: "extra" })({ body: { a: [1] } })).toEqual({ extra: { a: [1] } });
  });
});

describe("the path", () => {
  test("sets fields of every kind that a text can say", () => {
    const variables = ["revision", "exact", "since", "available", "filter.genre", "floaty", "cursor"];
    const captures = [
      "-9007199254740993",
      "true",
      "2024-01-01T00:00:00Z",
      "false",
      "GENRE_NOVEL",
      "1.5",
      "aGk",
    ];
    expect(seenBy({ verb: "GET", variables })({ captures })).toEqual({
      revision: "-9007199254740993",
      exact: true,
      since: "2024-01-01T00:00:00Z",
      available: false,
      filter: { genre: "GENRE_NOVEL" },
      floaty: 1.5,
      cursor: "aGk=",
    });
  });

  test("keeps letters of every language", () => {
    const shelf = `grüße/😀/${"ü".repeat(9000)}`;
    expect(seenBy({ verb: "GET", variables: ["shelf"] })({ captures: [shelf] })).toEqual({ shelf });
  });

  test("is refused where it is not of the field's kind", () => {
    const get = seenBy({ verb: "GET", variables: ["revision"] });
    expect(refusal(() => get({ captures: ["1e3"] }))).toEqual({
      reason: "bad_value",
      message:
        "path: revision: expected an integer from -9223372036854775808 to 9223372036854775807, got 1e3",
    });
    for (const text of ["", "0x10", " 12", "1.0", "٣"]) {
      expect(refusal(() => get({ captures: [text] })).reason).toBe("bad_value");
    }
  });
});

describe("the query", () => {
  const get = seenBy({ verb: "GET", variables: ["shelf"] });
  const ask = (query: string) => get({ captures: ["s"], query });

  test("gives scalars, enums, lists, wrappers and well-known types by either name", () => {
    const query =
      "page_size=5&pageToken=a+b%2Bc&genres=GENRE_NOVEL&genres=2&since=2024-01-01T00%3A00%3A00Z&within=1.5s" +
      "&available=false&cursor=aGk&exact=true&updateMask=book.title,page_size&weights=1&weights=NaN&fewest=9" +
      "&filter.inner.inner.years=1999&filter.inner.inner.years=2001&filter.tag=x&by_number=-1&floaty=1e-3";
    expect(ask(query)).toEqual({
      shelf: "s",
      page_size: 5,
      page_token: "a b+c",
      genres: ["GENRE_NOVEL", "GENRE_POEMS"],
      since: "2024-01-01T00:00:00Z",
      within: "1.500s",
      available: false,
      cursor: "aGk=",
      exact: true,
      update_mask: "book.title,pageSize",
      weights: [1, "NaN"],
      fewest: "9",
      filter: { tag: "x", inner: { inner: { years: [1999, 2001] } } },
      by_number: "-1",
      floaty: 0.0010000000474974513,
    });
  });

  test("may give an empty text, have empty parts and encoded names", () => {
    expect(ask("page_token=")).toEqual({ shelf: "s" });
    expect(ask("&&page%5Fsize=1&")).toEqual({ shelf: "s", page_size: 1 });
    expect(ask("page_token=a=b")).toEqual({ shelf: "s", page_token: "a=b" });
    expect(ask("page_token=%F0%9F%98%80%00")).toEqual({ shelf: "s", page_token: "😀\0" });
  });

  test.each([
    [
      "pagesize=1",
      "unknown_field",
      "query: pagesize: library.v1.BookRequest has no field pagesize; did you mean page_size?",
    ],
    ["filter.tga=1", "unknown_field", "did you mean tag?"],
    ["=1", "unknown_field", "query: library.v1.BookRequest has no field"],
    ["filter..tag=1", "unknown_field", "has no field"],
    ["page_size.x=1", "unknown_field", "page_size has no fields"],
    ["since.seconds=1", "unknown_field", "since has no fields"],
    ["books.title=1", "unknown_field", "books has no fields"],
    ["filter=1", "bad_value", "is a library.v1.Filter"],
    ["extra=1", "bad_value", "is a google.protobuf.Struct"],
    ["times=2024-01-01T00:00:00Z", "bad_value", "is a list of messages"],
    ["page_size=1&page_size=1", "duplicate_field", "query: page_size: is given twice"],
    ["page_size=1&pageSize=1", "duplicate_field", "query: page_size: is given twice"],
    ["by_number=1&by_text=a", "conflicting_field", "query: by_text: another field of the oneof by"],
    ["by_film.title=a&by_text=a", "conflicting_field", "oneof by"],
    ["page_size=", "bad_value", "got nothing"],
    ["page_size=1e3", "bad_value", "query: page_size: expected an integer"],
    ["revision=0x10", "bad_value", "got 0x10"],
    ["revision=+12", "bad_value", "got  12"],
    ["exact=1", "bad_value", "expected true or false"],
    ["exact", "bad_value", "expected true or false"],
    ["exact=True", "bad_value", "expected true or false"],
    ["genres=NOVEL", "bad_value", "GENRE_NOVEL"],
    ["since=yesterday", "bad_value", "RFC 3339"],
    ["cursor=***", "bad_value", "base64"],
    ["floaty=1e39", "bad_value", "float"],
    ["available=0", "bad_value", "true or false"],
    ["page_token=%", "bad_query", "percent-encoded"],
    ["page_token=%4", "bad_query", "percent-encoded"],
    ["page_token=%zz", "bad_query", "percent-encoded"],
    ["page_token=%FF", "bad_query", "percent-encoded"],
    ["page_token=%C0%80", "bad_query", "percent-encoded"],
    ["page_token=ü", "bad_query", "percent-encoded"],
    ["%FF=1", "bad_query", "percent-encoded"],
    ["shelf=t", "conflicting_field", "query: shelf: is not what the path says"],
  ])("%s is refused", (query, reason, message) => {
    const refused = refusal(() => ask(query));
    expect(refused.reason).toBe(reason);
    expect(refused.message).toContain(message);
  });

  test("may repeat what the path says", () => {
    expect(ask("shelf=s")).toEqual({ shelf: "s" });
    expect(refusal(() => ask("shelf=s&shelf=s")).reason).toBe("duplicate_field");
  });

  test("names nothing of a oneof that the path has decided", () => {
    const decided = seenBy({ verb: "GET", variables: ["by_film.title"] });
    expect(decided({ captures: ["a"], query: "by_film.minutes=1" })).toEqual({
      by_film: { title: "a", minutes: 1 },
    });
    expect(refusal(() => decided({ captures: ["a"], query: "by_text=b" })).reason).toBe("conflicting_field");
  });

  test("ends at a thousand parameters, and its names at 32 steps", () => {
    const years = (count: number) => Array.from({ length: count }, () => "filter.years=1").join("&");
    expect(ask(years(1000))).toMatchObject({ filter: { years: { length: 1000 } } });
    expect(refusal(() => ask(years(1001))).reason).toBe("too_many_parameters");
    const deep = (steps: number) => `filter.${"inner.".repeat(steps - 2)}tag=1`;
    expect(ask(deep(32))).toBeTypeOf("object");
    expect(refusal(() => ask(deep(33))).reason).toBe("unknown_field");
  });

  test("goes on to tell fields given twice when very many names have been asked for", () => {
    for (let i = 0; i < 28; i += 1) {
      const inner = "inner.".repeat(i);
      const names = [`filter.${inner}tag=1`, `filter.${inner}years=1`, `filter.${inner}genre=1`];
      ask([...names, `book.author.tree.${"left.".repeat(i)}label=1`].join("&"));
      ask(`filter.${inner}tag=1`);
      refusal(() => ask(`x${i}=1`));
    }
    expect(refusal(() => ask("page_size=1&pageSize=1")).reason).toBe("duplicate_field");
  });

  test("has no say where all is in the body", () => {
    const post = seenBy({ body: "*" });
    expect(refusal(() => post({ query: "page_size=1&x=2", body: {} }))).toEqual({
      reason: "unknown_field",
      message: "query: page_size: is not taken here; everything that the path does not say is in the body",
    });
  });

  test("does not give what the body is for", () => {
    const post = seenBy({ body: "book" });
    expect(post({ query: "shelf=a", body: { pages: 1 } })).toEqual({ shelf: "a", book: { pages: 1 } });
    expect(refusal(() => post({ query: "book.title=a", body: {} })).reason).toBe("conflicting_field");
    expect(refusal(() => seenBy({ body: "by_film" })({ query: "by_text=a", body: {} })).reason).toBe(
      "conflicting_field",
    );
  });
});

describe("the body", () => {
  test("that is missing or empty is an empty message", () => {
    const post = seenBy({ variables: ["shelf"], body: "*" });
    expect(post({ captures: ["s"] })).toEqual({ shelf: "s" });
    expect(post({ captures: ["s"], body: "", contentType: "" })).toEqual({ shelf: "s" });
    expect(seenBy({ body: "book" })({ body: "null" })).toEqual({});
  });

  test("is refused where none is taken", () => {
    const get = seenBy({ verb: "GET" });
    expect(get({ body: "" })).toEqual({});
    expect(refusal(() => get({ body: {} })).reason).toBe("body_not_allowed");
  });

  test.each(["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])(
    "of type %s is read",
    (contentType) => {
      expect(seenBy({ body: "*" })({ body: { page_size: 1 }, contentType })).toEqual({ page_size: 1 });
    },
  );

  test.each([
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=latin1",
    "application/jsonp",
  ])("of type %j is refused", (contentType) => {
    const refused = refusal(() => seenBy({ body: "*" })({ body: { page_size: 1 }, contentType }));
    expect(refused.reason).toBe("unsupported_media_type");
  });

  test("may say what the path says, and not otherwise", () => {
    const put = seenBy({ verb: "PUT", variables: ["shelf", "book.name"], body: "*" });
    const captures = ["s", "b"];
    expect(put({ captures, body: { shelf: "s", book: { pages: 1, name: "b" }, page_size: 2 } })).toEqual({
      shelf: "s",
      book: { name: "b", pages: 1 },
      page_size: 2,
    });
    expect(put({ captures, body: { shelf: null, book: { name: null } } })).toEqual({
      shelf: "s",
      book: { name: "b" },
    });
    expect(refusal(() => put({ captures, body: { shelf: "t" } }))).toEqual({
      reason: "conflicting_field",
      message: "body: shelf: is not what the path says",
    });
    expect(refusal(() => put({ captures, body: { book: { name: "x" } } })).message).toContain(
      "body: book.name",
    );
    expect(refusal(() => put({ captures, body: { shelf: "" } })).reason).toBe("conflicting_field");
  });

  test("is held against the path by value, not by how it is written", () => {
    const put = seenBy({ verb: "PUT", variables: ["revision"], body: "*" });
    expect(put({ captures: ["12"], body: { revision: "12" } })).toEqual({ revision: "12" });
    expect(put({ captures: ["12"], body: { revision: 12 } })).toEqual({ revision: "12" });
    expect(refusal(() => put({ captures: ["12"], body: { revision: 13 } })).reason).toBe("conflicting_field");
  });

  test("that is a field may repeat what the path says within it", () => {
    const put = seenBy({ verb: "PUT", variables: ["book.name", "book.author.born"], body: "book" });
    const captures = ["n".repeat(300), "1929"];
    const name = captures[0];
    expect(put({ captures, body: { name, author: { born: 1929, given_name: "U" } } })).toEqual({
      book: { name, author: { born: 1929, given_name: "U" } },
    });
    expect(refusal(() => put({ captures, body: { author: { born: 1930 } } })).message).toBe(
      "body: author.born: is not what the path says",
    );
  });

  test("names nothing of a oneof that the path has decided", () => {
    const put = seenBy({ verb: "PUT", variables: ["by_number"], body: "*" });
    expect(put({ captures: ["1"], body: { by_number: 1 } })).toEqual({ by_number: "1" });
    expect(refusal(() => put({ captures: ["1"], body: { by_text: "a" } })).reason).toBe("conflicting_field");
  });

  test("of one request leaves nothing for the next, even when it was refused", () => {
    const post = seenBy({ variables: ["shelf"], body: "*" });
    for (let i = 0; i < 3; i += 1) {
      refusal(() => post({ captures: ["a"], body: '{"page_token":"xxxxxxxxxxxx","page_size":1e3}' }));
      refusal(() => post({ captures: ["a"], body: '{"book":{"author":{"tree":[' }));
      expect(post({ captures: ["b"], body: { page_size: 2 } })).toEqual({ shelf: "b", page_size: 2 });
    }
  });
});

describe("a change by PATCH", () => {
  const patch = seenBy({ verb: "PATCH", variables: ["book.name"], body: "book" });
  const maskOf = (body: unknown, query = "") => {
    const seen = patch({ captures: ["n"], body, query });
    return (seen as { update_mask?: string }).update_mask;
  };

  test("names the fields that its body has, down to lists, maps and well-known types", () => {
    const author = { givenName: "U", tree: { left: { label: "x" }, children: [{ label: "y" }] } };
    expect(maskOf({ title: "a", where: "b", author, tags: ["t"], printedAt: "2024-01-01T00:00:00Z" })).toBe(
      "title,shelfMark,author.givenName,author.tree.left.label,author.tree.children,tags,printedAt",
    );
  });

  test("names what it empties, and messages without fields, but not what the path says", () => {
    expect(maskOf({ name: "n", title: null, author: {}, pages: 0 })).toBe("title,author,pages");
    expect(maskOf({ name: "n" })).toBe("");
  });

  test("keeps the mask that the query gives", () => {
    expect(maskOf({ title: "a", pages: 1 }, "update_mask=title")).toBe("title");
  });

  test("has none without a body, nor by another verb", () => {
    expect(patch({ captures: ["n"] })).toEqual({ book: { name: "n" } });
    const put = seenBy({ verb: "PUT", variables: ["book.name"], body: "book" });
    expect(put({ captures: ["n"], body: { title: "a" } })).toEqual({ book: { name: "n", title: "a" } });
  });
});

describe("a body that is passed on as it is", () => {
  const data = Buffer.from([0, 255, 1, 2]);
  const inBase64 = data.toString("base64");

  test("is the request, or a field of it, with its type", () => {
    const whole = libraryBinding({ method: "Upload", body: "*" });
    const field = libraryBinding({ variables: ["shelf"], body: "file" });
    const contentType = "image/png";
    const parts = { captures: ["s"], query: "", body: data, contentType };
    const one = fromBinary(whole.method.input, compileRequest(whole, registry)(parts));
    expect(toJson(whole.method.input, one)).toEqual({ contentType, data: inBase64 });
    const other = fromBinary(field.method.input, compileRequest(field, registry)(parts));
    expect(toJson(field.method.input, other, { registry })).toEqual({
      shelf: "s",
      file: { contentType, data: inBase64 },
    });
  });
});
