import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { fromBinary, fromJson, fromJsonString, toBinary, toJson } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jsonOf } from "../testing/arbitrary-json.ts";
import { libraryMessage, libraryRegistry as registry } from "../testing/library-contract.ts";
import { binaryToJson } from "./binary-to-json.ts";
import { jsonToBinary } from "./json-to-binary.ts";

const types = [
  "Scalars",
  "Optionals",
  "Lists",
  "Maps",
  "Choice",
  "Known",
  "Tree",
  "Book",
  "ListBooksResponse",
  "BookRequest",
];

const options = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
const ofBinary = (desc: DescMessage, bytes: Uint8Array) => toJson(desc, fromBinary(desc, bytes), options);

/** Floats are written shorter here than there; what they are is compared by the bytes. */
function asFloats(json: JsonValue | undefined): JsonValue | undefined {
  if (typeof json === "number") return Math.fround(json);
  if (Array.isArray(json)) return json.map((it) => asFloats(it) ?? null);
  if (json === null || typeof json !== "object") return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, asFloats(value) ?? null]));
}

function outcome<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe.each(types)("of any %s", (name) => {
  const desc = libraryMessage(name);
  const read = jsonToBinary(desc, registry);
  const write = binaryToJson(desc, registry);
  // Through text, as JSON has it: that takes the sign from -0.
  const message = (json: JsonValue) => fromJson(desc, JSON.parse(JSON.stringify(json)), { registry });

  test("JSON is read to what protobuf-es reads", () => {
    fc.assert(
      fc.property(jsonOf(desc), fc.constantFrom("", " ", "\n\t"), (json, indent) => {
        const bytes = read(JSON.stringify(json, null, indent));
        expect(hex(toBinary(desc, fromBinary(desc, bytes)))).toBe(hex(toBinary(desc, message(json))));
      }),
      { numRuns: 150 },
    );
  });

  test("binary is written as what protobuf-es writes", () => {
    fc.assert(
      fc.property(jsonOf(desc), (json) => {
        const bytes = toBinary(desc, message(json));
        const text = write(bytes);
        expect(asFloats(JSON.parse(text))).toEqual(asFloats(ofBinary(desc, bytes)));
        expect(hex(toBinary(desc, fromJsonString(desc, text, { registry })))).toBe(hex(bytes));
      }),
      { numRuns: 150 },
    );
  });

  test("a message in pieces is written as the merged one", () => {
    fc.assert(
      fc.property(jsonOf(desc), jsonOf(desc), (first, second) => {
        const bytes = Buffer.concat([read(JSON.stringify(first)), read(JSON.stringify(second))]);
        const expected = outcome(() => ofBinary(desc, bytes));
        // Two durations can merge to what is none.
        if (expected === undefined) expect(() => write(bytes)).toThrow("could not be read");
        else expect(asFloats(JSON.parse(write(bytes)))).toEqual(asFloats(expected));
      }),
      { numRuns: 100 },
    );
  });

  test("what is written is read again without loss", () => {
    fc.assert(
      fc.property(jsonOf(desc), (json) => {
        const bytes = toBinary(desc, message(json));
        expect(hex(toBinary(desc, fromBinary(desc, read(write(bytes)))))).toBe(hex(bytes));
      }),
      { numRuns: 100 },
    );
  });
});
