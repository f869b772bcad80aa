import type { DescService, FileRegistry } from "@bufbuild/protobuf";
import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createValidator } from "@bufbuild/protovalidate";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { AuditService } from "#gen/security/v1/audit_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import { optionsOf, serviceOf } from "#mesh";
import { describeContracts, readContracts } from "#mesh/discovery/contracts.ts";
import { bindingsOf } from "../routing/bindings-of.ts";
import { publicContracts } from "./public.ts";
import { testRegistry } from "./testing/test-file.ts";

/** As the gateway learns them: from bytes. */
const learned = (...contracts: DescService[]) => {
  const { hash, bytes } = describeContracts(contracts);
  const registry = readContracts(hash, bytes);
  return { registry, contracts: contracts.map((it) => registry.getService(it.typeName)!) };
};
const names = (registry: FileRegistry) => [...registry].map((it) => it.typeName);
const bytesOf = (registry: FileRegistry) => {
  const set = create(FileDescriptorSetSchema, { file: Array.from(registry.files, (it) => it.proto) });
  return toBinary(FileDescriptorSetSchema, set);
};
const hidden = { access: { services: ["secret-caller"], scope: "secret:scope" } };

const file = {
  process: "test",
  services: {
    Open: {
      Get: { http: { get: "/v1/{id}" }, options: { access: { public: true }, timeout: "2s" } },
      Both: {
        options: {
          access: { permission: "x:read", services: ["secret-caller"], scope: "secret:scope" },
          cache: { maxAge: "1s", invalidatedBy: ["secret.subject"] },
          successStatus: 201,
        },
        input: "Mapped",
      },
      Hidden: { input: "HiddenRequest", output: "HiddenAnswer", options: hidden },
    },
    Internal: { Do: { input: "HiddenRequest", options: hidden } },
  },
  messages: {
    Mapped: ["by_name: map:Value = 1", "state: enum:State = 2", "next: Mapped = 3"],
    Value: ["text: string = 1"],
    HiddenRequest: ["value: Value = 1", "inner: HiddenInner = 2", "state: enum:HiddenState = 3"],
    HiddenInner: ["text: string = 1"],
    HiddenAnswer: [],
  },
  enums: { State: ["STATE_UNSPECIFIED = 0"], HiddenState: ["HIDDEN_UNSPECIFIED = 0"] },
};
const registry = testRegistry(file);
const contracts = ["Open", "Internal"].map((it) => registry.getService(`test.v1.${it}`)!);
const shown = publicContracts({ registry, contracts });

describe("strangers are shown", () => {
  test("the methods that let users in, and contracts that have any", () => {
    expect(shown.contracts.map((it) => [it.typeName, it.methods.map(({ name }) => name)])).toEqual([
      ["test.v1.Open", ["Get", "Both"]],
    ]);
  });

  test("the messages and enums of those, and no others", () => {
    const own = names(shown.registry).filter((it) => it.startsWith("test."));
    expect(own.sort()).toEqual(
      ["Answer", "Mapped", "Open", "Request", "State", "Value"].map((it) => `test.v1.${it}`),
    );
  });

  test("policies that concern them, and none that name internals", () => {
    const [get, both] = shown.contracts[0]!.methods.map((it) => optionsOf(it));
    expect(get).toMatchObject({ access: { public: true }, timeout: { seconds: 2n } });
    expect(both).toMatchObject({
      access: { permission: "x:read", services: [], scope: "" },
      successStatus: 201,
    });
    expect(serviceOf(shown.contracts[0]!)).toMatchObject({ name: "test", port: 0, scopes: [] });
    const text = Buffer.from(bytesOf(shown.registry)).toString("latin1");
    for (const word of ["secret", "Hidden", "HIDDEN", "Internal"]) expect(text).not.toContain(word);
  });

  test("routes, as they are", () => {
    expect(bindingsOf(shown.contracts[0]!)).toMatchObject({
      problems: [],
      bindings: [{ verb: "GET", template: { text: "/v1/{id}" }, service: "test" }],
    });
  });

  test("only files that are needed", () => {
    const files = Array.from(shown.registry.files, (it) => it.proto.name);
    expect(files).toContain("google/api/annotations.proto");
    expect(files).not.toContain("google/api/httpbody.proto");
    expect(files).not.toContain("buf/validate/validate.proto");
    expect(new Set(files).size).toBe(files.length);
  });

  test("nothing, of a service that is for services alone", () => {
    const none = publicContracts({ registry, contracts: contracts.slice(1) });
    expect(none.contracts).toEqual([]);
    expect(names(none.registry)).toEqual([]);
  });
});

test("maps stay maps, and a message that is not shown may still be where others have their names", () => {
  const mapped = shown.registry.getMessage("test.v1.Mapped")!;
  expect(mapped.fields.map((it) => it.fieldKind)).toEqual(["map", "enum", "message"]);
  const nested = testRegistry({
    services: { S: { Do: { input: "test.v1.Outer.Inner" } } },
    messages: {
      Outer: ["secret: string = 1"],
      "Outer.Inner": ["text: string = 1"],
      "Outer.Other": ["secret: string = 1"],
    },
  });
  const contract = nested.getService("test.v1.S")!;
  const { registry } = publicContracts({ registry: nested, contracts: [contract] });
  expect(registry.getMessage("test.v1.Outer")?.fields).toEqual([]);
  expect(registry.getMessage("test.v1.Outer.Inner")?.fields).toHaveLength(1);
  expect(registry.getMessage("test.v1.Outer.Other")).toBeUndefined();
  expect(Buffer.from(bytesOf(registry)).toString("latin1")).not.toContain("secret");
});

describe("the platform's own contracts", () => {
  const all = [learned(AuthService, UserService, TeamService), learned(TokenService, AuditService)];

  test("are complete in themselves: what is written can be read again", () => {
    for (const served of all) {
      const { registry } = publicContracts(served);
      const again = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytesOf(registry)));
      expect(names(again).sort()).toEqual(names(registry).sort());
    }
  });

  test("are without internal methods and their messages", () => {
    const [user, security] = all.map(publicContracts);
    expect(names(user!.registry)).toContain("user.v1.LoginRequest");
    expect(names(user!.registry)).not.toContain("user.v1.GetMembershipRequest");
    const methods = security!.contracts[0]?.methods.map(({ name }) => name);
    expect(methods).toContain("GetKeySet");
    expect(methods).not.toContain("OpenSession");
    for (const { registry } of [user!, security!]) {
      const text = Buffer.from(bytesOf(registry)).toString("latin1");
      for (const word of ["operator", "auth:validate"]) expect(text).not.toContain(word);
    }
  });

  test("can be called by, and say what is valid", async () => {
    const { contracts, registry } = publicContracts(all[0]!);
    const auth = contracts.find((it) => it.typeName === AuthService.typeName)!;
    const transport = createRouterTransport(({ rpc }) => {
      rpc(AuthService.method.login, ({ email }) => ({ session: { accessToken: `for ${email}` } }));
    });
    const client = createClient(auth, transport) as unknown as {
      login(request: object): Promise<{ session: { accessToken: string } }>;
    };
    const { session } = await client.login({ email: "ada@example.com", password: "x" });
    expect(session.accessToken).toBe("for ada@example.com");
    const request = registry.getMessage("user.v1.RegisterRequest")!;
    const validated = createValidator({ registry }).validate(request, create(request, { email: "no" }));
    expect(validated.kind).toBe("invalid");
  });
});
