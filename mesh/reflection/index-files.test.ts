import { expect, test } from "vitest";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { indexFiles } from "./index-files.ts";

const index = indexFiles([AuthService]);
const name = (file: { proto: { name: string } } | undefined) => file?.proto.name;

test.each([
  ["user.v1.AuthService", "user/v1/auth.proto"],
  ["user.v1.AuthService.Login", "user/v1/auth.proto"],
  ["user.v1.LoginRequest", "user/v1/auth.proto"],
  ["user.v1.LoginRequest.email", "user/v1/auth.proto"],
  ["mesh.v1.Access", "mesh/v1/options.proto"],
  ["mesh.v1.method", "mesh/v1/options.proto"],
  ["google.protobuf.Timestamp", "google/protobuf/timestamp.proto"],
  ["google.protobuf.FieldDescriptorProto.Type", "google/protobuf/descriptor.proto"],
  ["google.api.http", "google/api/annotations.proto"],
])("%s is declared in %s", (symbol, file) => {
  expect(name(index.fileOf(symbol))).toBe(file);
});

test("files are found by name, with all that they import", () => {
  expect(name(index.file("user/v1/auth.proto"))).toBe("user/v1/auth.proto");
  expect(name(index.file("buf/validate/validate.proto"))).toBe("buf/validate/validate.proto");
  expect(index.file("security/v1/tokens.proto")).toBeUndefined();
});

test("extensions are found by what they extend and their number", () => {
  expect(name(index.extension("google.protobuf.MethodOptions", 60100))).toBe("mesh/v1/options.proto");
  expect(name(index.extension("google.protobuf.MethodOptions", 72295728))).toBe(
    "google/api/annotations.proto",
  );
  expect(index.extension("google.protobuf.MethodOptions", 1)).toBeUndefined();
  expect(index.extensionNumbers("google.protobuf.MethodOptions")?.sort()).toEqual([60100, 72295728]);
  expect(index.extensionNumbers("user.v1.LoginRequest")).toEqual([]);
  expect(index.extensionNumbers("nobody.Knows")).toBeUndefined();
});

test("names of an object's own machinery are not symbols", () => {
  for (const symbol of ["constructor", "__proto__", "toString", ""])
    expect(index.fileOf(symbol)).toBeUndefined();
});
