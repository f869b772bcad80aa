import { expect, test } from "vitest";
import { whyNot } from "./not-loaded.ts";

const file = "/weft/services/order/service.ts";

/** An error as Node has it, whose stack begins with the place where it came up. */
function nodeError(message: string, place = "node:internal/modules/esm/resolve:272:11"): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}\n    at finalizeResolution (${place})`;
  return error;
}

test("code that was not generated yet is said to be, with no place inside Node", () => {
  const missing =
    "Cannot find module '/weft/gen/stock/v1/events_pb.js' imported from /weft/services/order/a.ts";
  const { message } = whyNot(file, nodeError(missing));
  expect(message).toContain("/weft/services/order/a.ts needs gen/stock/v1/events_pb.js, which is not there");
  expect(message).toContain("run `npm run generate`");
  expect(message).not.toContain("esm");
});

test("a name that the generated code lacks sends to the contract", () => {
  const lacking = "The requested module '#gen/user/v1/user_pb.js' does not provide an export named 'Who'";
  const error = nodeError(lacking);
  error.stack = `file:///weft/services/order/a.ts:3\nimport { Who } from "x";\n${error.stack}`;
  const { message } = whyNot(file, error);
  expect(message).toContain(`/weft/services/order/a.ts:3: ${lacking}`);
  expect(message).toContain("npm run generate");
});

test("any other mistake is told with its place, or with the file where it has none of ours", () => {
  const lost = "Cannot find module '/weft/services/order/items.ts' imported from /weft/services/order/a.ts";
  expect(whyNot(file, nodeError(lost)).message).toContain(`/weft/services/order/a.ts: ${lost}; correct it`);
  const { message } = whyNot(file, nodeError("no a", "file:///weft/services/order/b.ts:2:7"));
  expect(message).toContain("/weft/services/order/b.ts:2:7: no a");
  expect(whyNot(file, nodeError("no b")).message).toContain(`${file}: no b`);
  expect(whyNot(file, "thrown").message).toContain(`thrown`);
});
