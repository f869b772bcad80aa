import type { JsonValue } from "@bufbuild/protobuf";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { WeftError } from "#mesh/errors.ts";
import { libraryBinding } from "../testing/library-binding.ts";
import {
  libraryMessage,
  olderMessage,
  olderRegistry,
  libraryRegistry as registry,
} from "../testing/library-contract.ts";
import { compileAnswer, compileHttpBody } from "./answer.ts";
import { binaryToJson } from "./binary-to-json.ts";

const encode = (name: string, json: JsonValue) => {
  const desc = libraryMessage(name);
  return toBinary(desc, fromJson(desc, json, { registry }));
};
const textOf = (name: string, bytes: Uint8Array) => binaryToJson(libraryMessage(name), registry)(bytes);
const written = (name: string, json: JsonValue) => textOf(name, encode(name, json));
const bytes = (hex: string) => Buffer.from(hex, "hex");

function failure(run: () => unknown): WeftError {
  try {
    run();
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
  throw new Error("it was read");
}

describe("an answer", () => {
  test("has its plain fields always, its optional ones and messages when they are set", () => {
    expect(written("Book", {})).toBe(
      '{"name":"","title":"","pages":0,"isbn":"0","tags":[],"genre":"GENRE_UNSPECIFIED","price":0,' +
        '"secret_note":0,"shelf_mark":"","in_stock":false,"cover":""}',
    );
    expect(JSON.parse(written("Book", { rating: 0, author: {} }))).toMatchObject({
      rating: 0,
      author: { given_name: "", family_name: "", born: 0 },
    });
    expect(written("Choice", { text: "" })).toBe('{"text":"","other":""}');
  });

  test("has the names of the proto file", () => {
    expect(JSON.parse(written("ListBooksResponse", { nextPageToken: "x" }))).toEqual({
      books: [],
      next_page_token: "x",
    });
  });

  test("keeps every digit of 64 bits, as text", () => {
    const texts = ["9223372036854775807", "-9223372036854775808", "9007199254740993", "-1", "4294967296"];
    for (const text of texts) {
      const json = { maybe_int64: text, maybe_sint64: text, maybe_sfixed64: text };
      expect(JSON.parse(written("Optionals", json))).toEqual(json);
    }
    const json = { maybe_uint64: "18446744073709551615", maybe_fixed64: "9223372036854775808" };
    expect(JSON.parse(written("Optionals", json))).toEqual(json);
  });

  test.each([0.1, -1.5, 3.4028234663852886e38, 1e-45, 16777216, 1e10, 0.30000001192092896])(
    "writes the float %s as shortly as reads back to it",
    (value) => {
      const text = written("Optionals", { maybe_float: value });
      const number = (JSON.parse(text) as { maybe_float: number }).maybe_float;
      expect(Math.fround(number)).toBe(Math.fround(value));
      expect(String(number).length).toBeLessThanOrEqual(String(Math.fround(value)).length);
    },
  );

  test("writes doubles as they are, and what JSON has no number for as words", () => {
    for (const value of [0.1, 1e21, 1e-7, 123456789012345, 1.7976931348623157e308, 5e-324, 1e15, -0.5]) {
      expect(written("Optionals", { maybe_double: value })).toBe(`{"maybe_double":${String(value)}}`);
    }
    expect(written("Optionals", { maybe_double: "NaN", maybe_float: "-Infinity" })).toBe(
      '{"maybe_double":"NaN","maybe_float":"-Infinity"}',
    );
    expect(written("Optionals", { maybe_double: "-0" })).toBe('{"maybe_double":-0}');
  });

  test("escapes what JSON asks for and nothing else", () => {
    const title = '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029ü😀';
    expect(written("Film", { title })).toBe(`{"minutes":0,"title":${JSON.stringify(title)}}`);
    expect(written("Film", { title })).toContain("\u2028\u2029");
  });

  test("gives enums by name, and by number where there is no name", () => {
    const genre = (value: JsonValue) => JSON.parse(written("Book", { genre: value })).genre;
    expect([genre(1), genre(-3), genre(99), genre(-99)]).toEqual(["GENRE_NOVEL", "GENRE_NEGATIVE", 99, -99]);
  });

  test("skips fields that the contract does not have", () => {
    const unknown = "f83f01 fa3f03616263 f93f0102030405060708 fd3f01020304 fb3f0801fc3f".replaceAll(" ", "");
    expect(textOf("Film", bytes(`0805${unknown}120161`))).toBe('{"minutes":5,"title":"a"}');
  });

  test("skips fields whose wire type is another than the contract's", () => {
    expect(textOf("Film", bytes("0a0161120161"))).toBe('{"minutes":0,"title":"a"}');
  });

  test("merges what comes in pieces or out of order, as protobuf has it", () => {
    expect(textOf("Film", bytes("120161080112016208ff01"))).toBe('{"minutes":255,"title":"b"}');
    expect(textOf("Choice", bytes("0801120161"))).toBe('{"text":"a","other":""}');
    const tree = bytes("1203 0a0161 1203 1a0112".replaceAll(" ", ""));
    expect(failure(() => textOf("Tree", tree)).reason).toBe("unreadable_answer");
    expect(JSON.parse(textOf("Tree", bytes("12030a0161 1a00 12021a00".replaceAll(" ", ""))))).toEqual({
      label: "",
      left: { label: "a", children: [{ label: "", children: [] }] },
      children: [{ label: "", children: [] }],
    });
  });

  test("takes lists packed or not, and both at once", () => {
    const desc = libraryMessage("Lists");
    const number = desc.fields.find(({ name }) => name === "int32s")?.number ?? 0;
    const tag = (type: number) => ((number << 3) | type).toString(16).padStart(2, "0");
    const text = textOf("Lists", bytes(`${tag(2)}020102${tag(0)}03${tag(2)}00${tag(2)}0104`));
    expect(JSON.parse(text).int32s).toEqual([1, 2, 3, 4]);
  });

  test("gives the entries of a map that say nothing of themselves", () => {
    const text = JSON.parse(textOf("Maps", bytes("0a000a0412026869")));
    expect(text.by_int32).toEqual({ "0": "hi" });
  });

  test("of the older language has closed enums, groups and no defaults", () => {
    const desc = olderMessage("Older");
    const json = { colour: "BLUE", colours: ["RED"], inner: { text: "x" }, inners: [{ text: "y" }] };
    const write = binaryToJson(desc, olderRegistry);
    const sent = toBinary(desc, fromJson(desc, json));
    expect(JSON.parse(write(sent))).toEqual(json);
    // A number that a closed enum does not have is as if not sent; a list shows it, as protobuf-es does.
    expect(JSON.parse(write(bytes("0802100110021005")))).toEqual({ colours: ["RED", 2, "BLUE"], inners: [] });
  });

  test("that is itself a well-known type is written in its own form", () => {
    const known = libraryMessage("Known");
    for (const [name, json] of [
      ["at", "2024-01-01T00:00:00Z"],
      ["lasts", "-1.500s"],
      ["struct", { a: [1, null] }],
      ["int64_value", "5"],
      ["mask", "a.bC"],
    ] as const) {
      const desc = known.fields.find((it) => it.name === name)?.message;
      if (desc === undefined) throw new Error(name);
      const sent = toBinary(desc, fromJson(desc, json as JsonValue));
      expect(JSON.parse(binaryToJson(desc, registry)(sent))).toEqual(json);
    }
  });
});

describe("an answer that cannot be read", () => {
  test.each([
    ["ends inside a tag", "Film", "80"],
    ["ends inside a number", "Film", "08"],
    ["ends inside a text", "Film", "1205616263"],
    ["has a number that does not end", "Film", "08ffffffffffffffffffffff01"],
    ["has a field without a number", "Film", "0001"],
    ["has a wire type that does not exist", "Film", "0e"],
    ["ends a group that has not begun", "Film", "0c"],
    ["has a group that does not end", "Film", "fb3f0801"],
    ["has a text that is not UTF-8", "Film", "1201ff"],
    ["has texts that are UTF-8 only together", "Author", "0a01c31201bc"],
    ["has a message that is longer than the one around it", "Book", "2a050a036162"],
    ["has a time that does not exist", "Known", "0a0b0880808080808080808001"],
    ["has a time with negative nanoseconds", "Known", "0a0b10ffffffffffffffffff01"],
    ["has a list that ends inside an item", "Lists", "0a0400000000"],
    ["has a value that says nothing", "Known", "2a00"],
    ["has an Any of a type that is not known", "Known", "3a050a03782f79"],
  ])("because it %s is the callee's fault", (_, name, hex) => {
    const error = failure(() => textOf(name, bytes(hex)));
    expect(error.reason).toBe("unreadable_answer");
    expect(error.code).toBe(Code.Internal);
  });

  test("because it is nested without end is the callee's fault", () => {
    let deep: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 150; i += 1) {
      const head =
        deep.length < 128 ? [0x12, deep.length] : [0x12, (deep.length & 127) | 128, deep.length >> 7];
      deep = Buffer.concat([Buffer.from(head), deep]);
    }
    expect(failure(() => textOf("Tree", deep)).reason).toBe("unreadable_answer");
    const groups = Buffer.concat([Buffer.alloc(5000, 0x7b), Buffer.alloc(5000, 0x7c)]);
    expect(failure(() => textOf("Film", groups)).reason).toBe("unreadable_answer");
  });

  test("because its text would be without bound is the callee's fault", () => {
    // Each empty message of two bytes becomes many letters.
    const books = Buffer.alloc(900_000, Buffer.from("0a00", "hex"));
    expect(failure(() => textOf("ListBooksResponse", books)).reason).toBe("unreadable_answer");
    expect(written("Film", { title: "x" })).toBe('{"minutes":0,"title":"x"}');
  });
});

describe("one field in place of the answer", () => {
  const give = (responseBody: string, json: JsonValue) =>
    compileAnswer(libraryBinding({ responseBody }), registry)(encode("Book", json));

  test.each([
    ["author", { author: { born: 1 } }, '{"given_name":"","family_name":"","born":1}'],
    ["author", { title: "x" }, "null"],
    ["tags", { tags: ["a", "b"], title: "x" }, '["a","b"]'],
    ["tags", {}, "[]"],
    ["title", { title: 'a"b' }, '"a\\"b"'],
    ["title", {}, '""'],
    ["isbn", { isbn: "5" }, '"5"'],
    ["rating", {}, "null"],
    ["rating", { rating: 0 }, "0"],
    ["printed_at", { printed_at: "2024-01-01T00:00:00Z" }, '"2024-01-01T00:00:00Z"'],
  ] as [string, JsonValue, string][])("%s of %j is its value", (field, json, text) => {
    expect(give(field, json)).toBe(text);
  });

  test("is the merged one when it comes in pieces", () => {
    const write = compileAnswer(libraryBinding({ responseBody: "author" }), registry);
    const pieces = [{ author: { born: 1 } }, { title: "x" }, { author: { given_name: "U" } }];
    const sent = Buffer.concat(pieces.map((it) => encode("Book", it)));
    expect(JSON.parse(write(sent))).toEqual({ given_name: "U", family_name: "", born: 1 });
  });
});

describe("an answer that is a body of its own type", () => {
  const binding = libraryBinding({ method: "Download" });
  const read = compileHttpBody(binding);

  test("is passed on as it is", () => {
    const desc = binding.method.output;
    const data = Buffer.from([1, 2, 255]);
    const sent = toBinary(desc, fromJson(desc, { contentType: "image/png", data: data.toString("base64") }));
    expect(read?.(sent)).toEqual({ contentType: "image/png", data });
    expect(read?.(new Uint8Array(0))).toEqual({
      contentType: "application/octet-stream",
      data: new Uint8Array(0),
    });
  });

  test("may be a field", () => {
    const inField = compileHttpBody(libraryBinding({ method: "GetEverything", responseBody: "body" }));
    const sent = encode("Known", { empty: {}, body: { contentType: "text/html", data: "aGk=" } });
    expect(inField?.(sent)).toEqual({ contentType: "text/html", data: Buffer.from("hi") });
    expect(inField?.(encode("Known", { empty: {} })).data.length).toBe(0);
  });

  test("is no way to write other headers", () => {
    const desc = binding.method.output;
    const sent = toBinary(desc, fromJson(desc, { contentType: "text/html\r\nset-cookie: a=b" }));
    expect(failure(() => read?.(sent)).reason).toBe("unreadable_answer");
    expect(failure(() => read?.(bytes("0a05"))).reason).toBe("unreadable_answer");
  });

  test("is not what other methods answer", () => {
    expect(compileHttpBody(libraryBinding())).toBeUndefined();
    expect(compileHttpBody(libraryBinding({ responseBody: "author" }))).toBeUndefined();
  });
});

test("what protobuf-es reads of an answer in JSON is what was sent", () => {
  const desc = libraryMessage("Book");
  const sent = encode("Book", {
    title: "x",
    author: { tree: { children: [{}, { label: "y" }] } },
    cover: "aGk=",
  });
  const again = fromJson(desc, JSON.parse(textOf("Book", sent)));
  expect(toJson(desc, again)).toEqual(toJson(desc, fromBinary(desc, sent)));
});
