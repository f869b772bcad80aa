import { create, toBinary } from "@bufbuild/protobuf";
import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SecurityAlertSchema } from "#gen/security/v1/events_pb.js";
import { PermissionService } from "#gen/security/v1/permissions_pb.js";
import { Severity, ThreatKind, ThreatService } from "#gen/security/v1/threats_pb.js";
import {
  UserCreatedSchema,
  UserDeletedSchema,
  UserLoggedInSchema,
  UserUpdatedSchema,
} from "#gen/user/v1/events_pb.js";
import { connectNats, newId } from "#mesh";
import { silentLog } from "#mesh/testing/nats.ts";
import { testStores } from "#mesh/testing/stores.ts";
import { eventsTold } from "#mesh/testing/told.ts";
import { createUserWorld, eventually, goodPassword } from "./user-world.ts";

let world: Awaited<ReturnType<typeof createUserWorld>>;
beforeAll(async () => {
  world = await createUserWorld();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const userEvents = [UserCreatedSchema, UserUpdatedSchema, UserLoggedInSchema, UserDeletedSchema];
/** What was told of a user: the kinds of events, with the fields that changed. */
const toldOf = async (id: string) => {
  const told = (await eventsTold(world.host.namespace, userEvents)) as unknown as {
    $typeName: string;
    userId: string;
    fields?: string[];
  }[];
  return told
    .filter(({ userId }) => userId === id)
    .map(({ $typeName, fields }) => [$typeName.slice("user.v1.".length), ...(fields ?? [])].join(" "));
};
const alertsAbout = async (id: string) => {
  const told = await eventsTold(world.host.namespace, [SecurityAlertSchema]);
  return (told as unknown as { userId: string; severity: Severity; kind: ThreatKind }[]).filter(
    ({ userId }) => userId === id,
  );
};

test("what becomes of an account is told, in order", async () => {
  const person = await world.somebody();
  await world.users(person).updateProfile({ profile: { bio: "Tailor" }, updateMask: { paths: ["bio"] } });
  await world.users(person).updateProfile({ profile: { bio: "Tailor" }, updateMask: { paths: ["bio"] } });
  const changed = await world.authAs(person).changePassword({
    currentPassword: goodPassword,
    newPassword: "eight small oil lamps",
  });
  expect(changed.session).toBeDefined();
  await world.users(person).deleteUser({ id: person.id });
  await eventually(() => toldOf(person.id)).toEqual([
    "UserCreated",
    "UserLoggedIn",
    "UserUpdated bio",
    "UserUpdated password",
    "UserLoggedIn",
    "UserDeleted",
  ]);
});

test("a sign-in that fails and an account that is not made are not told", async () => {
  const person = await world.somebody();
  await expect(
    world.auth({ address: "198.51.100.7" }).login({ email: person.email, password: "not the right one" }),
  ).rejects.toThrow();
  await expect(world.register(person.email, { address: "198.51.100.8" })).rejects.toThrow();
  await world.login(person.email, { address: "198.51.100.9" });
  await eventually(() => toldOf(person.id)).toEqual(["UserCreated", "UserLoggedIn", "UserLoggedIn"]);
});

test("security lets nobody keep roles whose account is gone, whoever tells of it", async () => {
  const permissions = world.host.client(PermissionService, {
    caller: { service: { name: "user", scopes: [] } },
  });
  const userId = newId();
  await permissions.assignInitialRole({ userId, role: "Seller" });
  const nats = await connectNats({
    url: testStores().natsUrl,
    name: "test",
    log: silentLog,
    waitMs: 5000,
    namespace: world.host.namespace,
  });
  try {
    const head = headers();
    head.set("ce-id", newId());
    head.set("ce-type", UserDeletedSchema.typeName);
    await jetstream(nats.connection).publish(
      nats.subject("events.user.deleted"),
      toBinary(UserDeletedSchema, create(UserDeletedSchema, { userId })),
      { headers: head },
    );
  } finally {
    await nats.close();
  }
  await eventually(async () => (await permissions.assignInitialRole({ userId, role: "Customer" })).role).toBe(
    "Customer",
  );
});

test("a threat is told when it is seen first and when it gets worse, not each time it is seen", async () => {
  const threats = world.host.client(ThreatService, { caller: { service: { name: "user", scopes: [] } } });
  const userId = newId();
  const signIn = (succeeded: boolean) =>
    threats.reportSignIn({ userId, account: userId, succeeded, client: { address: "" } });
  for (let times = 0; times < 14; times++) await signIn(false);
  await signIn(true);
  await eventually(() => alertsAbout(userId)).toMatchObject([
    { kind: ThreatKind.BRUTE_FORCE, severity: Severity.MEDIUM },
    { kind: ThreatKind.BRUTE_FORCE, severity: Severity.HIGH },
  ]);
});
