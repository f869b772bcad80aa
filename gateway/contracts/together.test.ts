import { expect, test } from "vitest";
import { BroadcastService } from "#gen/broadcast/v1/broadcast_pb.js";
import { NotificationService } from "#gen/notification/v1/notification_pb.js";
import { TemplateService } from "#gen/notification/v1/templates_pb.js";
import { describeContracts, readContracts } from "#mesh/discovery/contracts.ts";
import { publicContracts } from "./public.ts";
import { together } from "./together.ts";

type Contracts = Parameters<typeof describeContracts>[0];

/** As a service announces them. */
const served = (...own: Contracts) => {
  const { hash, bytes } = describeContracts(own);
  const registry = readContracts(hash, bytes);
  return { registry, contracts: own.map(({ typeName }) => registry.getService(typeName)!) };
};

test.each([
  ["first", (all: ReturnType<typeof served>[]) => all],
  ["last", (all: ReturnType<typeof served>[]) => all.toReversed()],
])("a file that several services have is whole, be its own the %s that comes", (_name, order) => {
  const parts = order([served(BroadcastService), served(NotificationService, TemplateService)]);
  const all = together(parts)!;
  const shown = publicContracts(all);
  const names = shown.contracts.map(({ typeName }) => typeName).sort();
  expect(names).toEqual([BroadcastService, NotificationService, TemplateService].map((it) => it.typeName));
  const [file] = [...shown.registry.files].filter(
    ({ proto }) => proto.name === "notification/v1/notification.proto",
  );
  expect(file?.services.map(({ typeName }) => typeName)).toEqual([NotificationService.typeName]);
  expect(file?.messages.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["Words", "SendNotificationRequest"]),
  );
  for (const contract of shown.contracts) expect(shown.registry.getService(contract.typeName)).toBe(contract);
});
