import type { DescMessage } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import * as fc from "fast-check";
import { WeftError } from "#mesh/errors.ts";
import { binaryToJson } from "../transcode/binary-to-json.ts";
import { jsonToBinary } from "../transcode/json-to-binary.ts";
import { compileRequest } from "../transcode/request.ts";
import { jsonOf } from "./arbitrary-json.ts";
import { libraryBinding } from "./library-binding.ts";
import { libraryMessage, libraryRegistry as registry } from "./library-contract.ts";

export interface FuzzOptions {
  /** How many inputs of each of the three kinds: JSON, binary, path with query. */
  inputs: number;
  /** By which a run can be repeated. Default: another one each time. */
  seed?: number;
}

export interface FuzzCount {
  taken: number;
  refused: number;
}

const types = ["Scalars", "Optionals", "Lists", "Maps", "Choice", "Known", "Tree", "Book", "BookRequest"];

/** Pieces that break parsers more often than any byte does. */
const spiteful = [
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "-",
  "1e999",
  "0x10",
  "\u0000",
  "99999999999999999999",
  "\ud83d\ude00",
  "\u2028",
  '{"',
  '":',
  "{}",
  "[[[[",
  "NaN",
  "@type",
  "__proto__",
  "%",
  "%00",
  "&",
  "=",
  ".",
  "%ff",
].map((it) => Buffer.from(it));
const bytesOnWire = [
  "80",
  "ff",
  "ffffffffffffffffff01",
  "ffffffff0f",
  "0b",
  "0c",
  "00",
  "7f",
  "0a",
  "1200",
].map((it) => Buffer.from(it, "hex"));

interface Change {
  at: number;
  cut: number;
  put: Buffer;
}

const changes = (pieces: Buffer[]): fc.Arbitrary<Change[]> =>
  fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(6),
      put: fc.oneof(
        fc.constantFrom(...pieces),
        fc.uint8Array({ maxLength: 3 }).map((it) => Buffer.from(it)),
        fc.constant(Buffer.alloc(0)),
      ),
    }),
    { maxLength: 4 },
  );

const mutated = (bytes: Uint8Array, list: readonly Change[]): Buffer =>
  list.reduce((all, { at, cut, put }) => {
    const from = Math.floor(at * all.length);
    return Buffer.concat([all.subarray(0, from), put, all.subarray(from + cut)]);
  }, Buffer.from(bytes));

/** Runs one input. Nothing but a refusal of the given code may be thrown. */
function run(count: FuzzCount, code: Code, input: () => unknown): void {
  try {
    input();
    count.taken += 1;
  } catch (error) {
    if (!(error instanceof WeftError) || error.code !== code || error.reason === "internal") throw error;
    count.refused += 1;
  }
}

const total = (): FuzzCount => ({ taken: 0, refused: 0 });

function eachType(
  { inputs, seed }: FuzzOptions,
  pieces: Buffer[],
  check: (desc: DescMessage) => (text: Buffer, list: readonly Change[]) => void,
): void {
  for (const name of types) {
    const desc = libraryMessage(name);
    const once = check(desc);
    fc.assert(
      fc.property(jsonOf(desc), changes(pieces), (json, list) =>
        once(Buffer.from(JSON.stringify(json)), list),
      ),
      { numRuns: Math.ceil(inputs / types.length), ...(seed !== undefined && { seed }) },
    );
  }
}

/** Changed JSON is read or refused as the client's fault. What is read can be written again. */
export function fuzzJson(options: FuzzOptions): FuzzCount {
  const count = total();
  eachType(options, spiteful, (desc) => {
    const read = jsonToBinary(desc, registry);
    const write = binaryToJson(desc, registry);
    return (text, list) => {
      run(count, Code.InvalidArgument, () => JSON.parse(write(read(mutated(text, list)))));
    };
  });
  return count;
}

/** Changed binary is written as JSON or refused as the callee's fault. */
export function fuzzBinary(options: FuzzOptions): FuzzCount {
  const count = total();
  eachType(options, bytesOnWire, (desc) => {
    const read = jsonToBinary(desc, registry);
    const write = binaryToJson(desc, registry);
    return (text, list) => run(count, Code.Internal, () => JSON.parse(write(mutated(read(text), list))));
  });
  return count;
}

const query =
  "page_size=5&genres=GENRE_NOVEL&genres=2&since=2024-01-01T00%3A00%3A00Z&within=1.5s&cursor=aGk&filter.inner.tag=x" +
  "&updateMask=book.title&weights=1e3&revision=-9007199254740993&by_film.title=%F0%9F%98%80&order=1&shelf=s";

/** Changed paths, queries and bodies are taken or refused as the client's fault. */
export function fuzzRequest({ inputs, seed }: FuzzOptions): FuzzCount {
  const count = total();
  const binding = libraryBinding({ verb: "PATCH", variables: ["shelf", "book.pages"], body: "book" });
  const write = compileRequest(binding, registry);
  // Most are right, so that what comes behind them is reached.
  const mostly = <T>(right: T, other: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(right) }, { weight: 1, arbitrary: other });
  const capture = mostly("s", fc.string({ unit: "binary", maxLength: 8 }));
  const page = mostly("5", fc.oneof(fc.integer().map(String), fc.string({ maxLength: 5 })));
  const body = jsonOf(libraryMessage("Book"));
  const anything = mostly<Change[]>([], changes(spiteful));
  fc.assert(
    fc.property(capture, page, anything, body, anything, (shelf, pages, inQuery, json, inBody) => {
      const parts = {
        captures: [shelf, pages],
        query: mutated(Buffer.from(query), inQuery).toString("latin1"),
        body: mutated(Buffer.from(JSON.stringify(json)), inBody),
        contentType: "application/json",
      };
      run(count, Code.InvalidArgument, () => write(parts));
    }),
    { numRuns: inputs, ...(seed !== undefined && { seed }) },
  );
  return count;
}
