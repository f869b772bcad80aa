import { gzipSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { envelope, messages, paths } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import type { Post } from "./kit/post.ts";
import { codeOf, post } from "./kit/post.ts";
import { insides } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim();
});
afterAll(() => victim[Symbol.asyncDispose]());

const tooLong = serverLimits.messageBytes + 1;
/** 1 GB of nothing, in 1 MB. */
const bomb = gzipSync(Buffer.alloc(1024 ** 3));
const exhausted = "resource_exhausted";
const grpcExhausted = "grpc 8";
const stream = "/grpc.health.v1.Health/Watch";

type Case = [what: string, answer: string, call: Partial<Post> & { headers: Record<string, string> }];
const type = (contentType: string, more: Record<string, string> = {}) => ({
  "content-type": contentType,
  authorization: "Bearer test",
  ...(contentType.startsWith("application/grpc") && { te: "trailers" }),
  ...more,
});
const lie = envelope(Buffer.alloc(10), 0, 0xffffffff);

const cases: Case[] = [
  [
    "a Connect message that is too long",
    exhausted,
    { headers: type("application/proto"), body: Buffer.alloc(tooLong) },
  ],
  [
    "a Connect message as JSON that is too long",
    exhausted,
    { headers: type("application/json"), body: Buffer.alloc(tooLong, " ") },
  ],
  [
    "a gRPC message that is too long",
    grpcExhausted,
    { headers: type("application/grpc"), body: envelope(Buffer.alloc(tooLong)) },
  ],
  [
    "a gRPC-Web message that is too long",
    grpcExhausted,
    { headers: type("application/grpc-web+proto"), body: envelope(Buffer.alloc(tooLong)) },
  ],
  [
    "a Connect stream message that is too long",
    exhausted,
    { path: stream, headers: type("application/connect+proto"), body: envelope(Buffer.alloc(tooLong)) },
  ],
  ["a gRPC message that says it is 4 GB", grpcExhausted, { headers: type("application/grpc"), body: lie }],
  [
    "a gRPC-Web message that says it is 4 GB",
    grpcExhausted,
    { headers: type("application/grpc-web+proto"), body: lie },
  ],
  [
    "a Connect stream message that says it is 4 GB",
    exhausted,
    { path: stream, headers: type("application/connect+proto"), body: lie },
  ],
  [
    "a Connect message that unpacks to 1 GB",
    exhausted,
    { headers: type("application/proto", { "content-encoding": "gzip" }), body: bomb },
  ],
  [
    "a gRPC message that unpacks to 1 GB",
    grpcExhausted,
    { headers: type("application/grpc", { "grpc-encoding": "gzip" }), body: envelope(bomb, 1) },
  ],
  [
    "a gRPC-Web message that unpacks to 1 GB",
    grpcExhausted,
    { headers: type("application/grpc-web+proto", { "grpc-encoding": "gzip" }), body: envelope(bomb, 1) },
  ],
  [
    "a Connect stream message that unpacks to 1 GB",
    exhausted,
    {
      path: stream,
      headers: type("application/connect+proto", { "connect-content-encoding": "gzip" }),
      body: envelope(bomb, 1),
    },
  ],
  [
    "a gRPC message that is cut off",
    "grpc 3",
    { headers: type("application/grpc"), body: envelope(messages.createTeam, 0, 100) },
  ],
  [
    "a Connect message that is no gzip",
    "invalid_argument",
    { headers: type("application/proto", { "content-encoding": "gzip" }), body: messages.createTeam },
  ],
  [
    "a Connect message in a compression that nobody knows",
    "unimplemented",
    { headers: type("application/proto", { "content-encoding": "xz" }), body: messages.createTeam },
  ],
  [
    "a Connect message that is no JSON",
    "invalid_argument",
    { headers: type("application/json"), body: Buffer.from('{"name":') },
  ],
  [
    "a Connect message of deep JSON",
    "invalid_argument",
    { headers: type("application/json"), body: Buffer.from("[".repeat(1_000_000)) },
  ],
  [
    "a Connect message with a field of the wrong kind",
    "invalid_argument",
    { headers: type("application/json"), body: Buffer.from('{"name":{}}') },
  ],
  [
    "a content type that nobody speaks",
    "http 415",
    { headers: type("text/plain"), body: messages.createTeam },
  ],
  ["no content type", "http 415", { headers: { authorization: "Bearer test" }, body: messages.createTeam }],
  [
    "a method that does not exist",
    "unimplemented",
    { path: "/user.v1.TeamService/Nothing", headers: type("application/proto"), body: messages.createTeam },
  ],
  [
    "a gRPC method that does not exist",
    "grpc 12",
    {
      path: "/user.v1.TeamService/Nothing",
      headers: type("application/grpc"),
      body: envelope(messages.createTeam),
    },
  ],
  [
    "a gRPC service that does not exist",
    "grpc 12",
    { path: "/no.Service/Nothing", headers: type("application/grpc"), body: envelope(messages.createTeam) },
  ],
  [
    "no credentials",
    "unauthenticated",
    { headers: { "content-type": "application/proto" }, body: Buffer.alloc(2 * 1024 * 1024) },
  ],
  [
    "bad credentials",
    "unauthenticated",
    { headers: type("application/proto", { authorization: "Bearer bad" }), body: messages.createTeam },
  ],
];

describe("a body that is not as it should be is answered with the right code", () => {
  for (const version of [1, 2] as const) {
    test(`over HTTP/${version}`, async () => {
      const { started } = await victim.under(async () => {
        const answers: Record<string, string> = {};
        for (const [what, , call] of cases) {
          answers[what] = await post(victim.port, {
            version,
            path: paths.createTeam,
            body: Buffer.alloc(0),
            ...call,
          }).then(
            (answer) => {
              expect(answer.body.toString("latin1"), what).not.toMatch(insides);
              return codeOf(answer);
            },
            (error) => `no answer: ${error}`,
          );
        }
        expect(answers).toEqual(Object.fromEntries(cases.map(([what, code]) => [what, code])));
      });
      expect(started).toBe(0);
    });
  }

  test("many of them at once", async () => {
    const bombs = cases.filter(([what]) => /too long|1 GB/.test(what));
    await victim.under(
      async () => {
        for (let round = 0; round < 3; round++) {
          const calls = bombs.map(([, , call]) =>
            post(victim.port, { version: 2, path: paths.createTeam, body: Buffer.alloc(0), ...call }).catch(
              () => {},
            ),
          );
          await Promise.all(calls);
        }
      },
      { growthMb: 300 },
    );
  });
});

test("an honest client is given many large answers at once", async () => {
  const baseUrl = `http://127.0.0.1:${victim.port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transports = [
    createGrpcTransport({ baseUrl, sessionManager }),
    createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  ];
  const call = { headers: { authorization: "Bearer test" } };
  await victim.under(
    async () => {
      for (const transport of transports) {
        const { listTeams } = createClient(TeamService, transport);
        const answers = await Promise.all(
          Array.from({ length: 30 }, () => listTeams({ pageSize: 500 }, call)),
        );
        for (const { teams } of answers) expect(teams).toHaveLength(500);
      }
    },
    { growthMb: 300 },
  );
  sessionManager.abort();
});
