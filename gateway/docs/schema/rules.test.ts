import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { createRegistry, fromJson } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bound, documentOf, operations, realContracts, ruled } from "../testing/documents.ts";
import { schemaReader } from "../testing/json-schema.ts";
import { ruledNames } from "../testing/ruled-messages.ts";

const validator = createValidator();
const document = documentOf(bound(ruled.contract));
const read = schemaReader(document);
const schemaOf = (name: string) => document.components.schemas[`rich.v1.${name}`] as JsonObject;
const registry = createRegistry(ruled.contract.file, DurationSchema);

/** The fields of which the mesh itself says that they break their rules; empty for the message as a whole. */
function broken(name: string, json: JsonValue): string[] {
  const desc = ruled.messages.get(name)!;
  const result = validator.validate(desc, fromJson(desc, json, { registry }));
  if (result.kind === "error") throw result.error;
  if (result.kind === "valid") return [];
  return result.violations.map(({ field: [first] }) => (first?.kind === "field" ? first.name : ""));
}

describe.each(ruledNames)("%s", (name) => {
  test("has an example that satisfies schema and rules, if it has one", () => {
    const { examples } = schemaOf(name) as { examples?: JsonValue[] };
    // What is endless, or ruled by CEL as a whole, has none.
    expect(examples === undefined).toBe(name === "Endless" || name === "Celled");
    const accepts = read(schemaOf(name));
    for (const example of examples ?? []) {
      expect(accepts(example), JSON.stringify(accepts.errors)).toBe(true);
      expect(broken(name, example)).toEqual([]);
    }
  });

  test("requires the fields that the rules do not let be absent, and no others", () => {
    const missing = broken(name, {});
    // Choices are made by the message, not by a field.
    const chosen = new Set([""]);
    const { required = [] } = schemaOf(name) as { required?: string[] };
    // What only RE2 can tell has no keyword.
    const told = new Set(["posix", "foreign"]);
    expect([...new Set(missing)].filter((it) => !chosen.has(it) && !told.has(it)).sort()).toEqual(
      [...required].sort(),
    );
  });
});

test("every example of every document satisfies its schema", () => {
  for (const made of [document, documentOf(bound(...realContracts))]) {
    const reader = schemaReader(made);
    const all: [JsonObject, JsonValue][] = Object.values(made.components.schemas).flatMap((schema) =>
      ((schema.examples as JsonValue[] | undefined) ?? []).map((it): [JsonObject, JsonValue] => [schema, it]),
    );
    for (const { operation } of operations(made)) {
      for (const parameter of operation.parameters ?? []) {
        if ("schema" in parameter && parameter.example !== undefined)
          all.push([parameter.schema, parameter.example]);
      }
    }
    for (const response of Object.values(made.components.responses) as JsonObject[]) {
      const { schema, example } = (response.content as { "application/json": JsonObject })[
        "application/json"
      ];
      all.push([schema as JsonObject, example as JsonValue]);
    }
    expect(all.length).toBeGreaterThan(10);
    for (const [schema, example] of all) {
      const accepts = reader(schema);
      expect(accepts(example), `${JSON.stringify(schema)} ${JSON.stringify(example)}`).toBe(true);
    }
  }
});

/** Fields whose rules have keywords for all they ask for, with values near their edges. */
const texts = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "b",
    "x",
    "y",
    "v1",
    "+233201234567",
    "+0",
    "fr-CI",
    "a-",
    "pre.(mid)aaaaaaaa*post",
    "cat: 123g",
    "slug.9",
    "Example",
  ),
  fc.string({ maxLength: 8, unit: "grapheme" }),
);
const numbers = fc.oneof(fc.integer({ min: -12, max: 12 }), fc.constantFrom(499, 500, 501, 2 ** 31 - 1));
const cases: [string, string, fc.Arbitrary<JsonValue>][] = [
  ...[
    "short",
    "phone",
    "slug",
    "locale",
    "escaped",
    "shape",
    "affixed",
    "without",
    "chosen",
    "fixed",
    "maybe_chosen",
    "off",
    "required",
    "required_optional",
    "secret",
  ].map((it): [string, string, fc.Arbitrary<JsonValue>] => ["Texts", it, texts]),
  ...["page", "above", "below", "outside", "none_of", "either", "needed"].map(
    (it): [string, string, fc.Arbitrary<JsonValue>] => ["Numbers", it, numbers],
  ),
  ["Numbers", "one_of", fc.nat(12)],
  ["Numbers", "count", fc.nat(12)],
  ["Numbers", "share", fc.double({ min: -1, max: 2, noNaN: true })],
  ["Numbers", "unsigned", fc.nat(6).map(String)],
  ["Numbers", "fixed", fc.integer({ min: -9, max: 0 }).map(String)],
  ["Numbers", "needed_long", fc.integer({ min: -1, max: 1 }).map(String)],
  ["Numbers", "agreed", fc.boolean()],
  ["Collections", "tags", fc.array(fc.constantFrom("", "a", "b", "c"), { maxLength: 6 })],
  ["Collections", "numbers", fc.array(fc.integer({ min: 3, max: 9 }), { maxLength: 5 })],
  ["Collections", "required", fc.array(fc.constant("a"), { maxLength: 2 })],
  ["Collections", "few_or_none", fc.array(fc.constant(1), { maxLength: 4 })],
  ["Collections", "lenient", fc.array(fc.constantFrom("", "a", "name@example.com"), { maxLength: 3 })],
  [
    "Collections",
    "labels",
    fc.dictionary(
      fc.constantFrom("a", "ab", "abc", "k1", "k2", "k3"),
      fc.constantFrom("", "short", "much too long"),
    ),
  ],
  [
    "Collections",
    "moods",
    fc.array(fc.constantFrom("MOOD_UNSPECIFIED", "MOOD_GOOD", "MOOD_BAD"), { maxLength: 3 }),
  ],
  ["Choices", "mood", fc.constantFrom("MOOD_UNSPECIFIED", "MOOD_GOOD", "MOOD_BAD")],
];

describe("a schema and the rules that it is made of agree", () => {
  test.each(cases)("on %s.%s", (name, fieldName, values) => {
    const { properties } = schemaOf(name) as { properties: Record<string, JsonObject> };
    const accepts = read(properties[fieldName]!);
    fc.assert(
      fc.property(values, (value) => {
        expect(accepts(value)).toBe(!broken(name, { [fieldName]: value }).includes(fieldName));
      }),
      { numRuns: 60 },
    );
  });
});

test("what has no keyword is said in words", () => {
  const { properties } = schemaOf("Texts") as { properties: Record<string, JsonObject> };
  expect(properties.celled?.description).toBe("Rule: must be even.");
  expect(properties.foreign?.description).toContain("RE2");
  expect(properties.bytes?.description).toContain("5 bytes");
  expect(schemaOf("Celled").description).toContain("from must be before to");
  expect(schemaOf("Choices").description).toContain("At most one of `c` and `d`.");
});

test("personal data and old fields are marked", () => {
  const { properties } = schemaOf("Texts") as { properties: Record<string, JsonObject> };
  expect(properties.secret?.["x-sensitive"]).toBe(true);
  expect(properties.old?.deprecated).toBe(true);
});

test("answers, and messages whose rules are off, are shown without rules", () => {
  const { properties } = schemaOf("Lenient") as { properties: Record<string, JsonObject> };
  expect(properties.tree?.$ref).toBe("#/components/schemas/rich.v1.Tree.unchecked");
  expect(properties.strict?.$ref).toBe("#/components/schemas/rich.v1.Tree");
  expect(schemaOf("Tree").required).toEqual(["label"]);
  expect(schemaOf("Tree.unchecked").required).toBeUndefined();
});
