import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { beforeEach, describe, expect, test } from "vitest";
import {
  ExchangeUserTokenResponseSchema,
  IssueServiceTokenResponseSchema,
} from "#gen/security/v1/tokens_pb.js";
import type { Call } from "../call/call.ts";
import { currentCall, runInCall } from "../call/call.ts";
import type { Credentials } from "./credentials.ts";
import { createCredentials } from "./credentials.ts";

const user = { id: "u1", email: "u@example.com", sessionId: "s", roles: [], permissions: [] };
const callFor = (userToken: string, withUser = true) =>
  ({ caller: withUser ? { user } : {}, userToken }) as unknown as Call;
const expiresAt = timestampFromMs(Date.now() + 600_000);

let exchanged: string[];
let callsSeen: unknown[];
let credentials: Credentials;
beforeEach(() => {
  exchanged = [];
  callsSeen = [];
  credentials = createCredentials({
    key: { assertion: async () => "assertion" },
    issuer: {
      issueServiceToken: async ({ audience }) => {
        callsSeen.push(currentCall());
        return create(IssueServiceTokenResponseSchema, { token: `service-for-${audience}`, expiresAt });
      },
    },
    exchange: {
      exchangeUserToken: async ({ subjectToken, audience }) => {
        callsSeen.push(currentCall());
        exchanged.push(`${subjectToken}>${audience}`);
        return create(ExchangeUserTokenResponseSchema, {
          statement: `${subjectToken}-for-${audience}`,
          expiresAt,
        });
      },
    },
  });
});

describe("a call to another service shows", () => {
  test("a token of our own for that callee, and none of the user when there is none", async () => {
    expect(await credentials("order", undefined)).toEqual({
      authorization: "Bearer service-for-order",
      statement: "",
    });
    expect(await credentials("order", callFor("t", false))).toEqual({
      authorization: "Bearer service-for-order",
      statement: "",
    });
    expect(await credentials("order", callFor(""))).toEqual({
      authorization: "Bearer service-for-order",
      statement: "",
    });
  });

  test("the issuer's statement about the user, never the user's own token", async () => {
    expect(await credentials("order", callFor("t1"))).toEqual({
      authorization: "Bearer service-for-order",
      statement: "t1-for-order",
    });
  });

  test("to each callee its own statement, for each user their own, all of them asked for once", async () => {
    const ask = (callee: string, token: string) => credentials(callee, callFor(token));
    const answers = await Promise.all([
      ask("order", "t1"),
      ask("order", "t2"),
      ask("file", "t1"),
      ask("order", "t1"),
    ]);
    expect(answers.map((it) => it.statement)).toEqual([
      "t1-for-order",
      "t2-for-order",
      "t1-for-file",
      "t1-for-order",
    ]);
    await ask("order", "t2");
    expect(exchanged.sort()).toEqual(["t1>file", "t1>order", "t2>order"]);
  });
});

test("what others wait for too is asked outside of the call, whose end must not end it", async () => {
  const call = callFor("t1");
  await runInCall(call, () => credentials("order", call));
  expect(callsSeen).toEqual([undefined, undefined]);
});
