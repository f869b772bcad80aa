import { create, createRegistry, toJson } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { hideJson, restoreJson } from "./hidden-json.ts";

const registry = createRegistry(SecurityAlertSchema);
const hidden = "[redacted]";
const alert = create(SecurityAlertSchema, { threatId: "t", description: "10.0.0.1", occurrences: 2 });
const plain = toJson(SecurityAlertSchema, alert);
const shown = { threatId: "t", description: hidden, occurrences: 2 };
const missing = (name: string) => new Error(`${name} was not there`);

test("what a contract marks is hidden, wherever it stands, and the rest is shown", () => {
  expect(hideJson(SecurityAlertSchema, plain, registry)).toEqual(shown);
  const packed = toJson(AnySchema, anyPack(SecurityAlertSchema, alert), { registry });
  expect(hideJson(AnySchema, packed, registry)).toMatchObject(shown);
});

test("what stayed hidden keeps what it had, and the rest is as it was edited", () => {
  const edited = { ...shown, occurrences: 5, more: hidden };
  expect(restoreJson(SecurityAlertSchema, edited, plain, registry, missing)).toEqual({
    ...(plain as object),
    occurrences: 5,
    more: hidden,
  });
});

test("what says that it is hidden and was not there is told by its name", () => {
  expect(() => restoreJson(SecurityAlertSchema, shown, {}, registry, missing)).toThrow(
    "description was not there",
  );
});
