import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { ThreatSchema } from "#gen/security/v1/threats_pb.js";
import { UserCreatedSchema } from "#gen/user/v1/events_pb.js";
import { eventsBeside, eventTypeOf } from "./event-type.ts";

test("subject, key and stream are read from the contract", () => {
  const type = eventTypeOf(UserCreatedSchema);
  expect(type).toMatchObject({ name: "user.v1.UserCreated", subject: "user.created", stream: "events_user" });
  expect(type.keyOf(create(UserCreatedSchema, { userId: "u1" }))).toBe("u1");
  expect(eventTypeOf(UserCreatedSchema)).toBe(type);
});

test("all events of a service stand beside each other", () => {
  expect(eventsBeside(UserCreatedSchema).map(({ subject }) => subject)).toEqual([
    "user.created",
    "user.updated",
    "user.deleted",
    "user.logged_in",
  ]);
  expect(eventsBeside(SecurityAlertSchema)).toHaveLength(1);
});

test("a message that is no event is refused with the remedy", () => {
  expect(() => eventTypeOf(ThreatSchema)).toThrow(
    "security.v1.Threat is no event; give it option (mesh.v1.event)",
  );
});
