import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { createConnectTransport as createBrowserTransport } from "@connectrpc/connect-web";
import { credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GatewayService } from "#gen/gateway/v1/gateway_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Platform } from "./kit/platform.ts";
import { register, startPlatform } from "./kit/platform.ts";

let platform: Platform;
let token: string;
beforeAll(async () => {
  platform = await startPlatform();
  token = (await register(platform.url, "ada@example.com")).body.data.session.access_token;
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const transports = {
  "Connect over HTTP/1.1": () => createConnectTransport({ baseUrl: platform.url, httpVersion: "1.1" }),
  "Connect with JSON and GET": () =>
    createConnectTransport({
      baseUrl: platform.url,
      httpVersion: "2",
      useBinaryFormat: false,
      useHttpGet: true,
    }),
  gRPC: () => createGrpcTransport({ baseUrl: platform.url }),
  "gRPC-Web": () => createGrpcWebTransport({ baseUrl: platform.url, httpVersion: "1.1" }),
  "Connect from a browser's client": () => createBrowserTransport({ baseUrl: platform.url }),
};

describe.each(Object.entries(transports))("%s", (_name, open) => {
  test("calls a method for its user, and sees what went wrong", async () => {
    const users = createClient(UserService, open());
    const headers = { authorization: `Bearer ${token}` };
    expect((await users.getProfile({}, { headers })).user?.email).toBe("ada@example.com");
    const refused = await failure(users.getProfile({}));
    expect([refused.code, refused.rawMessage]).toEqual([
      Code.Unauthenticated,
      expect.stringContaining("credentials"),
    ]);
    const denied = await failure(users.listUsers({}, { headers }));
    expect(denied.code).toBe(Code.PermissionDenied);
    const broken = await failure(createClient(AuthService, open()).register({ email: "no" }));
    expect(broken.code).toBe(Code.InvalidArgument);
  });

  test("finds an internal method as little as one that does not exist", async () => {
    const headers = { authorization: `Bearer ${token}` };
    const internal = await failure(createClient(TokenService, open()).openSession({}, { headers }));
    const missing = await failure(createClient(nowhere, open()).openSession({}, { headers }));
    expect([internal.code, internal.rawMessage.replace("OpenSession", "…")]).toEqual([
      missing.code,
      missing.rawMessage.replace("NoSuchMethod", "…"),
    ]);
    const issue = await failure(createClient(TokenService, open()).issueServiceToken({ assertion: "x" }));
    expect(issue.code).toBe(Code.Unimplemented);
  });
});

/** A method that nobody serves. */
const nowhere = {
  ...TokenService,
  methods: TokenService.methods.map((it) => ({ ...it, name: "NoSuchMethod" })),
} as unknown as typeof TokenService;

const failure = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => ConnectError.from(error),
  );

test("the gateway's own contract is there for generated clients too", async () => {
  const gateway = createClient(GatewayService, createGrpcTransport({ baseUrl: platform.url }));
  expect((await gateway.listServices({})).services.map(({ name }) => name)).toContain("user");
});

test("grpc-js calls through it, and is told of limits and ids in metadata", async () => {
  const { Client } = await import("@grpc/grpc-js");
  const client = new Client(new URL(platform.url).host, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  try {
    const [answer, header] = await new Promise<[Buffer, Metadata]>((resolve, reject) => {
      let seen = new Metadata();
      client
        .makeUnaryRequest(
          "/user.v1.UserService/GetProfile",
          (it: Buffer) => it,
          (it: Buffer) => it,
          Buffer.alloc(0),
          metadata,
          (error, value) => (error || !value ? reject(error) : resolve([value, seen])),
        )
        .on("metadata", (it) => {
          seen = it;
        });
    });
    expect(answer.toString()).toContain("ada@example.com");
    expect(header.get("x-request-id")).toHaveLength(1);
  } finally {
    client.close();
  }
});

test("reflection tells what strangers may call, and nothing of the rest", async () => {
  const { ServerReflection } = await import("#gen/grpc/reflection/v1/reflection_pb.js");
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: platform.url }));
  const ask = async (question: object) => {
    for await (const answer of client.serverReflectionInfo(
      (async function* () {
        yield { messageRequest: question as never };
      })(),
    )) {
      return answer.messageResponse;
    }
    return undefined;
  };
  const listed = await ask({ case: "listServices", value: "" });
  const names = listed?.case === "listServicesResponse" ? listed.value.service.map(({ name }) => name) : [];
  expect(names).toEqual(expect.arrayContaining(["user.v1.UserService", "gateway.v1.GatewayService"]));
  const file = await ask({ case: "fileContainingSymbol", value: "security.v1.TokenService" });
  const bytes = file?.case === "fileDescriptorResponse" ? file.value.fileDescriptorProto : [];
  const text = bytes.map((it) => Buffer.from(it).toString("latin1")).join();
  expect(text).toContain("GetKeySet");
  for (const secret of ["OpenSession", "IssueServiceToken", "ExchangeUserToken"]) {
    expect(text).not.toContain(secret);
  }
});
