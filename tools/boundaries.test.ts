import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { forbiddenIn, forbiddenUnder } from "./boundaries.ts";

const root = "/weft";
const check = (file: string, source: string) =>
  forbiddenIn(root, join(root, file), source).map(({ why }) => why);

describe("the import boundaries", () => {
  test("let the arrows of the design pass", () => {
    expect(check("mesh/a.ts", 'import { X } from "#gen/user/v1/user_pb.js";')).toEqual([]);
    expect(check("services/user/a.ts", 'import { fail } from "#mesh";\nimport { b } from "./b.ts";')).toEqual(
      [],
    );
    expect(check("cli/a.ts", 'import { startNats } from "#embedded";')).toEqual([]);
  });

  test.each([
    ["mesh/a.ts", 'import user from "../services/user/service.ts";'],
    ["mesh/a.ts", 'import { startNats } from "#embedded";'],
    ["services/user/a.ts", 'import { x } from "../security/tokens.ts";'],
    ["services/user/a.ts", 'const { x } = await import("../security/tokens.ts");'],
    ["services/user/a.ts", 'export * from "../../cli/keys.ts";'],
    ["gateway/a.ts", 'import type { X } from "../services/user/service.ts";'],
    ["embedded/a.ts", 'import { fail } from "#mesh";'],
    ["gen/a.mjs", 'import "../mesh/index.ts";'],
    ["test/../mesh/a.ts", 'import { openWorkspace } from "../cli/workspace.ts";'],
  ])("stop %s from saying %s", (file, source) => {
    expect(check(file, source)).toHaveLength(1);
  });

  test("hold in this checkout", () => {
    expect(forbiddenUnder(join(import.meta.dirname, ".."))).toEqual([]);
  });
});
