import { expect, test } from "vitest";
import { fileHead } from "./file-head.ts";

const headOf = (header: Record<string, string>) => {
  const { fields, ...rest } = fileHead(Object.entries(header).flat(), 200);
  const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : []));
  return { ...rest, fields: Object.fromEntries(pairs) as Record<string, string> };
};

test("of a service that says nothing, the answer is all of the file", () => {
  expect(headOf({})).toEqual({
    status: 200,
    size: undefined,
    etag: undefined,
    fields: { "cache-control": "private, no-cache" },
  });
});

test("the size is what the service says of the file, never what its call says of itself", () => {
  const { size, fields } = headOf({ "content-length": "9", "X-Content-Length": "1234" });
  expect([size, fields["content-length"]]).toEqual([1234, "1234"]);
});

test("a part has the size of its range, whatever else is said", () => {
  const part = headOf({ "content-range": "bytes 10-19/*", "x-content-length": "100" });
  expect(part).toMatchObject({ status: 206, size: 10, fields: { "content-length": "10" } });
});

test("what the service says of keeping the file is left as it is", () => {
  expect(headOf({ "cache-control": "public, max-age=60", "set-cookie": "a=b" }).fields).toEqual({
    "cache-control": "public, max-age=60",
  });
});

test.each([
  { "x-content-length": "many" },
  { "x-content-length": "-1" },
  { "content-range": "bytes 9-3/10" },
  { "content-range": "lines 1-2/3" },
])("a service that says nonsense is not passed on: %o", (header) => {
  expect(() => headOf(header)).toThrow(expect.objectContaining({ reason: "unreadable_answer" }));
});
