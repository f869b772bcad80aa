import { getOption, hasOption } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  job as jobOption,
  method as methodOption,
  service as serviceOption,
} from "#gen/mesh/v1/options_pb.js";
import { DeliverEmailSchema } from "#gen/notification/v1/jobs_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { UserCreatedSchema } from "#gen/user/v1/events_pb.js";
import { reasonOf } from "../errors.ts";
import { describeContracts, hashOf, mostContractBytes, readContracts } from "./contracts.ts";

const reason = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return reasonOf(error);
  }
  return "nothing failed";
};

test("the same contracts have the same hash in whatever order they are given, others another", () => {
  const one = describeContracts([AuthService, TokenService]);
  expect(describeContracts([TokenService, AuthService, TokenService])).toEqual(one);
  expect(one.hash).toBe(hashOf(one.bytes));
  expect(describeContracts([AuthService]).hash).not.toBe(one.hash);
});

test("what is read back declares the same, with all that is imported", () => {
  const { hash, bytes } = describeContracts([AuthService]);
  const registry = readContracts(hash, bytes);
  const service = registry.getService("user.v1.AuthService");
  expect(service?.methods.map(({ name }) => name)).toEqual(AuthService.methods.map(({ name }) => name));
  for (const name of ["mesh/v1/options.proto", "buf/validate/validate.proto", "google/api/http.proto"])
    expect(registry.getFile(name)?.proto.name).toBe(name);
});

test("messages that no contract has are told of with it, and are read back with their options", () => {
  const files = [DeliverEmailSchema.file, UserCreatedSchema.file];
  const { hash, bytes } = describeContracts([AuthService], files);
  expect(describeContracts([AuthService], [...files, ...files].reverse()).hash).toBe(hash);
  const registry = readContracts(hash, bytes);
  const read = registry.getMessage(DeliverEmailSchema.typeName);
  if (!read) throw new Error("the job was not read back");
  expect(getOption(read, jobOption)).toEqual(getOption(DeliverEmailSchema, jobOption));
  expect(registry.getMessage(UserCreatedSchema.typeName)).toBeDefined();
  expect(registry.getService("user.v1.AuthService")).toBeDefined();
});

test("options come through as they were: ours, those of REST and those of validation", () => {
  const { hash, bytes } = describeContracts([AuthService]);
  const service = readContracts(hash, bytes).getService("user.v1.AuthService");
  const login = service?.methods.find(({ name }) => name === "Login");
  if (!service || !login) throw new Error("the method was not read back");
  expect(getOption(service, serviceOption)).toEqual(getOption(AuthService, serviceOption));
  expect(hasOption(login, methodOption)).toBe(true);
  expect(getOption(login, methodOption)).toEqual(getOption(AuthService.method.login, methodOption));
  const files = [service.file, AuthService.file].map(({ proto }) => proto);
  expect(files[0]).toEqual(files[1]);
});

test("bytes that are not what their hash says are refused", () => {
  const { hash, bytes } = describeContracts([AuthService]);
  const forged = bytes.slice();
  forged[10] = (forged[10] ?? 0) ^ 1;
  expect(reason(() => readContracts(hash, forged))).toBe("contracts_forged");
  expect(reason(() => readContracts(hash, new Uint8Array()))).toBe("contracts_forged");
});

test("bytes that are too many are refused, and so are those that are no set of descriptors", () => {
  const many = new Uint8Array(mostContractBytes + 1);
  expect(reason(() => readContracts(hashOf(many), many))).toBe("contracts_forged");
  const noise = new Uint8Array([10, 255, 1, 2, 3]);
  expect(reason(() => readContracts(hashOf(noise), noise))).toBe("contracts_unreadable");
});
