import { globSync } from "node:fs";
import { join } from "node:path";
import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import { getOption, hasOption, toJson } from "@bufbuild/protobuf";
import {
  FieldRulesSchema,
  field as fieldRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expect, test } from "vitest";
import { form } from "#gen/mesh/v1/options_pb.js";

const root = join(import.meta.dirname, "..", "..");
/** Not those that somebody has added to a checkout. */
const ours = "{analytics,broadcast,common,mesh,notification,order,payment,product,queue,security,user}";

function* messagesOf(within: readonly DescMessage[]): Generator<DescMessage> {
  for (const message of within) {
    yield message;
    yield* messagesOf(message.nestedMessages);
  }
}

test("each pattern of a contract has words that say it to people", async () => {
  const modules = await Promise.all(
    globSync(`gen/${ours}/v1/*_pb.js`, { cwd: root }).map(
      async (path) => (await import(join(root, path))) as Record<string, unknown>,
    ),
  );
  const files = modules.flatMap((exports) =>
    Object.entries(exports).flatMap(([name, value]) => (name.startsWith("file_") ? [value as DescFile] : [])),
  );
  const fields = files.flatMap(({ messages }) => [...messagesOf(messages)].flatMap((it) => it.fields));
  const withPattern = fields.filter(
    (it) =>
      hasOption(it, fieldRules) &&
      JSON.stringify(toJson(FieldRulesSchema, getOption(it, fieldRules))).includes('"pattern":'),
  );
  expect(withPattern.length).toBeGreaterThan(30);
  expect(withPattern.filter((it) => !hasOption(it, form)).map(String)).toEqual([]);
});
