import { create, createRegistry, toJson } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { RegisterRequestSchema, SessionSchema } from "#gen/user/v1/auth_pb.js";
import { hide, restoreHidden } from "./hide.ts";

const registry = createRegistry(SecurityAlertSchema, SessionSchema, RegisterRequestSchema);
const hidden = "[redacted]";

test("what a contract marks is hidden, wherever it stands, and the rest is shown", () => {
  const alert = create(SecurityAlertSchema, { threatId: "t", description: "10.0.0.1", occurrences: 2 });
  const shown = { threatId: "t", description: hidden, occurrences: 2 };
  expect(hide(SecurityAlertSchema, toJson(SecurityAlertSchema, alert), registry)).toEqual(shown);
  const packed = toJson(AnySchema, anyPack(SecurityAlertSchema, alert), { registry });
  expect(hide(AnySchema, packed, registry)).toMatchObject(shown);
});

test("what stayed hidden keeps what it had, and the rest is as it was edited", () => {
  const before = { name: "Ada", list: [{ mail: "a@b" }, { mail: "c@d" }], gone: 1 };
  const edited = { name: hidden, list: [{ mail: hidden }, { mail: "new" }], more: true };
  expect(restoreHidden(edited, before)).toEqual({
    name: "Ada",
    list: [{ mail: "a@b" }, { mail: "new" }],
    more: true,
  });
});

test("what says that it is hidden and was not there is told by its place", () => {
  expect(() => restoreHidden({ list: [{ mail: hidden }] }, {})).toThrow("data.list[0].mail says");
  expect(() => restoreHidden(JSON.parse(`{"__proto__":"${hidden}"}`), {})).toThrow("data.__proto__ says");
});
