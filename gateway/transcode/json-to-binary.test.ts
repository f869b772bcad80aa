import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.js";
import { WeftError } from "#mesh/errors.ts";
import { libraryMessage, libraryRegistry, olderMessage, olderRegistry } from "../testing/library-contract.ts";
import { jsonToBinary } from "./json-to-binary.ts";

const readAs = (desc: DescMessage, registry = libraryRegistry) => {
  const read = jsonToBinary(desc, registry);
  return (json: string | Uint8Array): JsonValue =>
    toJson(desc, fromBinary(desc, read(json)), { registry, useProtoFieldName: true });
};
const types = ["Book", "Scalars", "Optionals", "Lists", "Maps", "Choice", "Known", "Tree"] as const;
const read = Object.fromEntries(types.map((name) => [name, readAs(libraryMessage(name))])) as Record<
  (typeof types)[number],
  (json: string | Uint8Array) => JsonValue
>;

function refusal(run: () => unknown): { reason: string; message: string; error: WeftError } {
  try {
    run();
  } catch (error) {
    if (error instanceof WeftError) return { reason: error.reason, message: error.rawMessage, error };
    throw error;
  }
  throw new Error("it was not refused");
}

describe("integers", () => {
  test.each([
    ["int32", "2147483647"],
    ["int32", "-2147483648"],
    ["sint32", "-2147483648"],
    ["sfixed32", "-1"],
    ["uint32", "4294967295"],
    ["fixed32", "4294967295"],
    ["int32", "0"],
  ])("%s keeps %s, as a number and as a string", (name, text) => {
    for (const value of [text, `"${text}"`]) {
      expect(read.Optionals(`{"maybe_${name}":${value}}`)).toEqual({ [`maybe_${name}`]: Number(text) });
    }
  });

  test.each([
    ["int64", "9223372036854775807"],
    ["int64", "-9223372036854775808"],
    ["int64", "9007199254740993"],
    ["sint64", "-9223372036854775808"],
    ["sint64", "9007199254740993"],
    ["sfixed64", "-9007199254740993"],
    ["uint64", "18446744073709551615"],
    ["fixed64", "18446744073709551615"],
    ["fixed64", "4294967296"],
  ])("%s keeps every digit of %s", (name, text) => {
    for (const value of [text, `"${text}"`]) {
      expect(read.Optionals(`{"maybe_${name}":${value}}`)).toEqual({ [`maybe_${name}`]: text });
    }
  });

  test("minus zero is zero", () => {
    expect(read.Optionals('{"maybe_int32":-0,"maybe_uint64":-0}')).toEqual({
      maybe_int32: 0,
      maybe_uint64: "0",
    });
  });

  test.each([
    "1.0",
    "1e3",
    "1E3",
    "1.5",
    "99999999999999999999999",
    '""',
    '" 12 "',
    '"+1"',
    '"0x10"',
    '"1.0"',
  ])("%s is refused for every kind", (value) => {
    const kinds = ["int32", "int64", "uint32", "uint64", "sint32", "sint64"];
    for (const kind of [...kinds, "fixed32", "fixed64", "sfixed32", "sfixed64"]) {
      expect(refusal(() => read.Scalars(`{"${kind}":${value}}`)).reason).toBe("bad_value");
    }
  });

  test.each(['"01"', '"-"', '"1 "', "true", "{}", "[1]", '"١"', '"1_000"', '"NaN"'])(
    "%s is refused",
    (value) => {
      expect(refusal(() => read.Scalars(`{"int32":${value}}`)).reason).toBe("bad_value");
    },
  );

  test.each([
    ["int32", "2147483648"],
    ["int32", "-2147483649"],
    ["uint32", "-1"],
    ["uint32", "4294967296"],
    ["int64", "9223372036854775808"],
    ["int64", "-9223372036854775809"],
    ["uint64", "18446744073709551616"],
    ["uint64", "-1"],
    ["int32", "9223372036854775807"],
  ])("%s refuses %s, which it cannot hold", (name, text) => {
    expect(refusal(() => read.Scalars(`{"${name}":${text}}`)).message).toContain("expected an integer from");
  });
});

describe("other scalars", () => {
  test("floats are numbers or one of three words", () => {
    expect(read.Optionals('{"maybe_double":"NaN","maybe_float":"-Infinity"}')).toEqual({
      maybe_double: "NaN",
      maybe_float: "-Infinity",
    });
    expect(read.Optionals('{"maybe_double":"1.5e2","maybe_float":1.5}')).toEqual({
      maybe_double: 150,
      maybe_float: 1.5,
    });
    expect(read.Scalars('{"double":123456789012345678901234567890}')).toEqual({
      double: 1.2345678901234568e29,
    });
  });

  test.each([
    ["double", "1e999"],
    ["float", "3.5e38"],
    ["float", "-1e39"],
    ["double", '"nan"'],
    ["double", '"+Infinity"'],
    ["double", '""'],
    ["double", '" 1"'],
    ["double", '"1."'],
    ["double", '".5"'],
    ["double", "true"],
  ])("%s refuses %s", (name, value) => {
    expect(refusal(() => read.Scalars(`{"${name}":${value}}`)).reason).toBe("bad_value");
  });

  test.each(["1", '"true"', "null1", "{}"])("bool refuses %s", (value) => {
    expect(["bad_value", "bad_json"]).toContain(refusal(() => read.Scalars(`{"bool":${value}}`)).reason);
  });

  test.each([
    ["-_8", "+/8="],
    ["+/8=", "+/8="],
    ["aGk", "aGk="],
    ["aGk=", "aGk="],
    ["", undefined],
  ])("bytes take %s", (given, kept) => {
    expect(read.Scalars(`{"bytes":"${given}"}`)).toEqual(kept === undefined ? {} : { bytes: kept });
  });

  test.each(["a", "aGk==", "aG=k", "a Gk", "====", "aGk*", "=", "aGkü"])("bytes refuse %s", (value) => {
    expect(refusal(() => read.Scalars(`{"bytes":"${value}"}`)).message).toContain("base64");
  });

  test("enums are given by name or by number, even one that is not known", () => {
    expect(read.Book('{"genre":"GENRE_NEGATIVE"}')).toEqual({ genre: "GENRE_NEGATIVE" });
    expect(read.Book('{"genre":2}')).toEqual({ genre: "GENRE_POEMS" });
    expect(read.Book('{"genre":77}')).toEqual({ genre: 77 });
  });

  test.each(['"NOVEL"', '"2"', '""', "1.0", "2147483648"])(
    "an enum refuses %s and lists what it takes",
    (value) => {
      const { reason, message } = refusal(() => read.Book(`{"genre":${value}}`));
      expect(reason).toBe("bad_value");
      expect(message).toContain("GENRE_UNSPECIFIED, GENRE_NOVEL, GENRE_POEMS");
    },
  );

  test("a closed enum refuses a number that it does not have", () => {
    const older = readAs(olderMessage("Older"), olderRegistry);
    expect(older('{"colour":5,"inner":{"text":"x"},"inners":[{},{"text":"y"}]}')).toEqual({
      colour: "BLUE",
      inner: { text: "x" },
      inners: [{}, { text: "y" }],
    });
    expect(refusal(() => older('{"colour":2}')).reason).toBe("bad_value");
  });
});

describe("strings", () => {
  test("escapes stand for their letters", () => {
    const json = String.raw`{"title":"\"\\\/\b\f\n\r\té☃\ud83d\ude00"}`;
    expect(read.Book(json)).toEqual({ title: '"\\/\b\f\n\r\té☃😀' });
  });

  test("a text without escapes and a long one are kept", () => {
    for (const title of ["grüße 😀", "x".repeat(5000), "ü".repeat(9000)]) {
      expect(read.Book(JSON.stringify({ title, name: "n" }))).toEqual({ title, name: "n" });
    }
  });

  test.each([
    String.raw`"\ud800"`,
    String.raw`"\udc00"`,
    String.raw`"\ud800A"`,
    String.raw`"\ud800\ud800"`,
    String.raw`"\x41"`,
    String.raw`"\u12"`,
    String.raw`"\u12g4"`,
    '"\n"',
    '"\u0000"',
    '"abc',
    "'abc'",
    '"\\',
  ])("%j is refused", (value) => {
    expect(refusal(() => read.Book(`{"title":${value}}`)).reason).toBe("bad_json");
    expect(refusal(() => read.Known(`{"struct":{"a":${value}}}`)).reason).toBe("bad_json");
  });

  test("bytes that are not UTF-8 and strings that are not Unicode are refused", () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x98]]) {
      const body = Buffer.concat([Buffer.from('{"title":"'), Buffer.from(bytes), Buffer.from('"}')]);
      expect(refusal(() => read.Book(body)).reason).toBe("bad_json");
    }
    expect(refusal(() => read.Book('{"title":"\ud800"}')).reason).toBe("bad_json");
  });
});

describe("the form of the text", () => {
  test.each([
    "",
    " ",
    "{",
    "}",
    "{}}",
    "{} x",
    "{},",
    '{"title"}',
    '{"title":}',
    '{"title":"a",}',
    '{,"title":"a"}',
    '{"title":"a" "pages":1}',
    "{title:1}",
    '{"pages":01}',
    '{"pages":-}',
    '{"pages":1.}',
    '{"pages":+1}',
    '{"pages":.5}',
    '{"pages":1e}',
    '{"pages":NaN}',
    '{"tags":["a",]}',
    '{"tags":["a"',
    '{"in_stock":tru}',
    '{"in_stock":True}',
    '{"pages":1}/**/',
    "\ufeff{}",
    "\u00a0{}",
  ])("%j is no JSON", (text) => {
    expect(refusal(() => read.Book(text)).reason).toBe("bad_json");
  });

  test.each(["[]", "1", '"x"', "null", "true"])("%s is no message", (text) => {
    expect(refusal(() => read.Book(text)).message).toContain("expected an object");
  });

  test("white space of JSON may stand between all tokens", () => {
    expect(read.Book(' {\n"title" :\t"a" , "tags" : [ "b" , "c" ]\r} ')).toEqual({
      title: "a",
      tags: ["b", "c"],
    });
  });

  test.each([
    '{"title":"a","title":"b"}',
    '{"shelf_mark":"a","where":"a"}',
    '{"printed_at":null,"printedAt":null}',
    String.raw`{"title":"a","titl\u0065":"b"}`,
  ])("%s gives a field twice", (text) => {
    expect(refusal(() => read.Book(text)).reason).toBe("duplicate_field");
  });

  test("a key of a map or a struct is given once, however it is spelt", () => {
    expect(refusal(() => read.Maps('{"by_int32":{"1":"a","1":"b"}}')).reason).toBe("duplicate_field");
    expect(refusal(() => read.Maps('{"by_string":{"a":"a","\\u0061":"b"}}')).reason).toBe("duplicate_field");
    expect(refusal(() => read.Maps('{"by_int32":{"0":"a","-0":"b"}}')).reason).toBe("duplicate_field");
    expect(refusal(() => read.Known('{"struct":{"a":1,"a":2}}')).reason).toBe("bad_value");
  });

  test("many fields are told apart as well as few", () => {
    expect(refusal(() => read.Maps('{"to_maps":{},"by_bool":{},"toMaps":{}}')).reason).toBe(
      "duplicate_field",
    );
  });

  test("nesting ends at a hundred levels, and does not end the process", () => {
    const nested = (depth: number) => `${'{"left":'.repeat(depth)}{}${"}".repeat(depth)}`;
    expect(read.Tree(nested(98))).toBeTypeOf("object");
    for (const depth of [100, 100_000])
      expect(refusal(() => read.Tree(nested(depth))).reason).toBe("bad_json");
    const lists = `{"value":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
    expect(refusal(() => read.Known(lists)).reason).toBe("bad_json");
  });
});

describe("fields", () => {
  test("are named as in the proto file or as in JSON", () => {
    expect(read.Book('{"printed_at":"2024-01-01T00:00:00Z","inStock":true,"where":"A"}')).toEqual({
      printed_at: "2024-01-01T00:00:00Z",
      in_stock: true,
      shelf_mark: "A",
    });
    expect(read.Book(String.raw`{"p\u0061ges":3}`)).toEqual({ pages: 3 });
  });

  test("that are not known are refused with their place and the name that was meant", () => {
    const { reason, message, error } = refusal(() =>
      read.Book('{"author":{"tree":{"children":[{},{"lable":"x"}]}}}'),
    );
    expect(reason).toBe("unknown_field");
    expect(message).toBe(
      "body: author.tree.children[1].lable: library.v1.Tree has no field lable; did you mean label?",
    );
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field).toBe(
      "author.tree.children[1].lable",
    );
  });

  test.each(['{"":1}', '{"__proto__":{}}', '{"constructor":1}', '{"[a.b]":1}', '{"@type":"x"}'])(
    "%s names none",
    (text) => {
      expect(refusal(() => read.Book(text)).reason).toBe("unknown_field");
    },
  );

  test("that are null are absent", () => {
    const text = '{"title":null,"tags":null,"author":null,"genre":null,"rating":null,"pages":1}';
    expect(read.Book(text)).toEqual({ pages: 1 });
    expect(read.Maps('{"by_bool":null}')).toEqual({});
    expect(read.Known('{"int64_value":null,"struct":null,"value":null,"nothing":null}')).toEqual({
      value: null,
    });
    expect(read.Known('{"values":[null,1]}')).toEqual({ values: [null, 1] });
  });

  test.each([
    ["Lists", '{"strings":["a",null]}', "strings[1]"],
    ["Lists", '{"int32s":[null]}', "int32s[0]"],
    ["Lists", '{"authors":[{},null]}', "authors[1]"],
    ["Lists", '{"wrapped":[null]}', "wrapped[0]"],
    ["Maps", '{"to_author":{"x":null}}', "to_author.x"],
    ["Maps", '{"to_int32":{"a b":null}}', 'to_int32["a b"]'],
  ] as const)("of a %s are refused null in %s", (name, text, path) => {
    expect(refusal(() => read[name](text)).message).toContain(`body: ${path}: expected`);
  });

  test("of a oneof are given one at a time", () => {
    expect(read.Choice('{"number":"1","text":null,"yes":true}')).toEqual({ number: "1", yes: true });
    expect(read.Choice('{"anything":null}')).toEqual({ anything: null });
    for (const text of ['{"number":1,"text":""}', '{"author":{},"film":{}}', '{"yes":true,"no":false}']) {
      expect(refusal(() => read.Choice(text)).reason).toBe("conflicting_field");
    }
  });

  test("of maps have keys of their kind", () => {
    expect(read.Maps('{"by_bool":{"true":"a","false":"b"},"by_int64":{"-9223372036854775808":"c"}}')).toEqual(
      {
        by_bool: { true: "a", false: "b" },
        by_int64: { "-9223372036854775808": "c" },
      },
    );
    for (const text of ['{"by_bool":{"1":"a"}}', '{"by_uint32":{"-1":"a"}}', '{"by_int32":{"1e1":"a"}}']) {
      expect(refusal(() => read.Maps(text)).message).toContain("expected as a key");
    }
  });

  test("that hold secrets are not quoted back", () => {
    expect(refusal(() => read.Book('{"secret_note":"hunter2"}')).message).not.toContain("hunter2");
  });
});

describe("well-known types", () => {
  test.each([
    ["2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"],
    ["2024-02-29T23:59:59.5+02:00", "2024-02-29T21:59:59.500Z"],
    ["1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.900Z"],
  ])("the time %s is taken", (text, kept) => {
    expect(read.Known(`{"at":"${text}"}`)).toEqual({ at: kept });
  });

  test.each([
    "2023-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-00-01T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01 00:00:00Z",
    "2024-01-01t00:00:00z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00.1234567890Z",
    "2024-01-01T00:00:00+2:00",
    "2024-01-01T00:00:00+0200",
    "2024-01-01",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "10000-01-01T00:00:00Z",
    "",
  ])("%j is no time", (text) => {
    expect(refusal(() => read.Known(`{"at":"${text}"}`)).message).toContain("RFC 3339");
  });

  test.each([
    ["1s", "1s"],
    ["-1.5s", "-1.500s"],
    ["-0.000000001s", "-0.000000001s"],
    ["0s", "0s"],
    ["315576000000s", "315576000000s"],
  ])("the duration %s is taken", (text, kept) => {
    expect(read.Known(`{"lasts":"${text}"}`)).toEqual({ lasts: kept });
  });

  test.each([
    "1",
    "s",
    "-s",
    "1.s",
    ".5s",
    "1e3s",
    "1s ",
    "+1s",
    "315576000001s",
    "1.0000000001s",
    "1m",
    "1ss",
  ])("%j is no duration", (text) => {
    expect(refusal(() => read.Known(`{"lasts":"${text}"}`)).message).toContain("duration");
  });

  test("a field mask takes names of both kinds", () => {
    expect(read.Known('{"mask":"title,printedAt,author.given_name"}')).toEqual({
      mask: "title,printedAt,author.givenName",
    });
    for (const text of ["a,,b", ",a", "a,", "a..b", ".a", "a.", "a b", "a-b", "*"]) {
      expect(refusal(() => read.Known(`{"mask":"${text}"}`)).reason).toBe("bad_value");
    }
  });

  test("wrappers are checked as what they wrap", () => {
    expect(read.Known('{"int64_value":"9007199254740993","bool_value":false,"string_value":""}')).toEqual({
      int64_value: "9007199254740993",
      bool_value: false,
      string_value: "",
    });
    expect(refusal(() => read.Known('{"int64_value":1e3}')).message).toContain("expected an integer");
    expect(refusal(() => read.Known('{"bool_value":"true"}')).message).toContain("expected true or false");
  });

  test("a free-form value holds no number that would become infinite", () => {
    for (const text of ['{"value":1e999}', '{"struct":{"a":[-1e999]}}', '{"list":[1e400]}']) {
      expect(refusal(() => read.Known(text)).reason).toBe("bad_value");
    }
    expect(refusal(() => read.Known('{"struct":{"a":[1,-1e999]}}')).message).toContain("body: struct.a[1]:");
  });

  test("an Any needs a type that is known", () => {
    const any = '{"any":{"@type":"type.googleapis.com/library.v1.Film","minutes":3}}';
    expect(read.Known(any)).toEqual(JSON.parse(any));
    expect(refusal(() => read.Known('{"any":{"@type":"x/y.Z"}}')).reason).toBe("bad_value");
  });

  test("a message that is itself a well-known type is read in its own form", () => {
    const struct = libraryMessage("Known").fields.find(({ name }) => name === "struct")?.message;
    expect(struct && readAs(struct)('{"a":[1,null]}')).toEqual({ a: [1, null] });
  });
});
