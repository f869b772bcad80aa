import { create, toBinary } from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UserIdentity } from "../call/identity.ts";
import { fieldsOf } from "../call/metadata.ts";
import { responseOf } from "../client/answer.ts";
import { createExpressLane } from "../client/express-lane.ts";
import type { UnaryLane } from "../client/lane.ts";
import { fail, reasonOf } from "../errors.ts";
import type { Authenticator } from "../rpc/authenticate.ts";
import { bearerOf, nobody } from "../rpc/authenticate.ts";
import type { Note } from "../testing/probe.ts";
import { NoteSchema, ProbeService } from "../testing/probe.ts";
import type { Rpc } from "../testing/rpc.ts";
import { openRpc } from "../testing/rpc.ts";

const user: UserIdentity = { id: "u1", email: "", sessionId: "", roles: [], permissions: [] };
const authenticate: Authenticator = async (metadata) => {
  const bearer = bearerOf(metadata.header("authorization"));
  if (bearer === "") return nobody;
  if (bearer === "gateway") return { caller: { service: { name: "gateway", scopes: [] } }, userToken: "" };
  if (bearer !== "user") throw fail.unauthenticated("bad_token", "this token is not good");
  return { caller: { user }, userToken: bearer };
};

let rpc: Rpc;
let lane: UnaryLane;
beforeAll(async () => {
  rpc = await openRpc(
    {
      look: (note, { requestHeader, responseHeader, responseTrailer, caller, client }) => {
        responseHeader.set("x-first", requestHeader.get("x-mine") ?? "");
        responseHeader.append("x-two", "a");
        responseHeader.append("x-two", "b");
        responseTrailer.set("x-last", "t");
        return { text: `${note.text} ${caller.user?.id} ${client.address} ${client.userAgent.slice(0, 4)}` };
      },
      echo: (note, call) => {
        if (note.text !== "fail") return note;
        call.responseHeader.set("x-tried", "yes");
        throw fail.exhausted("too_much", "größer geht es nicht 🍺", {
          metadata: { limit: "10" },
          retryAfterMs: 2000,
        });
      },
      wait: (note) => {
        if (note.text === "plain") throw new ConnectError("as it is", Code.DataLoss, { "x-own": "1" });
        if (note.text === "nothing") throw undefined;
        if (note.text === "text") throw "a text";
        const gone = new Error("connect ECONNREFUSED 10.0.0.1:5432");
        throw Object.assign(gone, { code: "ECONNREFUSED" });
      },
    },
    authenticate,
  );
  const general: UnaryLane = {
    start: () => {
      throw new Error("this is about the express lane");
    },
    close: () => {},
  };
  lane = createExpressLane({ host: "127.0.0.1", port: rpc.port, general });
});
afterAll(async () => {
  lane.close();
  await rpc[Symbol.asyncDispose]();
});

interface Asked {
  method: "echo" | "look" | "refuse" | "break" | "hang" | "wait" | "mine" | "internal";
  note: Partial<Pick<Note, "text" | "number" | "data">>;
  header: Record<string, string>;
  timeoutMs?: number;
}

/** What a caller can tell of how a call ended, whichever way it went. */
interface Seen {
  readonly message?: unknown;
  readonly code?: string;
  readonly text?: string;
  readonly reason?: string;
  readonly details?: unknown;
  readonly metadata: Record<string, string>;
}

/** The protocol library gives bytes now as `Buffer` and now as what they are. */
const seenMessage = ({ text, number, data }: Note) => ({ text, number, data: Buffer.from(data) });

/** Fields of ours; others belong to the protocols. */
const ownFields = (...all: Headers[]) =>
  Object.fromEntries(
    all
      .flatMap((headers) => [...headers])
      .filter(([name]) => name.startsWith("x-") && !/^x-(request|correlation)-id$/.test(name)),
  );

function seenError(thrown: unknown): Seen {
  const error = ConnectError.from(thrown);
  return {
    code: Code[error.code]!,
    text: error.rawMessage,
    reason: reasonOf(error),
    details: error.details.map((it) =>
      "type" in it ? [it.type, Buffer.from(it.value).toString("hex")] : it,
    ),
    metadata: ownFields(error.metadata),
  };
}

async function overGeneral(protocol: "connect" | "grpc" | "grpc-web", asked: Asked): Promise<Seen> {
  const { method, note, header, timeoutMs } = asked;
  let headers = new Headers();
  let trailers = new Headers();
  try {
    const message = await rpc.client(protocol)[method](note, {
      headers: { ...header, "user-agent": "test" },
      ...(timeoutMs !== undefined && { timeoutMs }),
      onHeader: (it) => {
        headers = it;
      },
      onTrailer: (it) => {
        trailers = it;
      },
    });
    return { message: seenMessage(message), metadata: ownFields(headers, trailers) };
  } catch (thrown) {
    return seenError(thrown);
  }
}

function overExpress({ method, note, header, timeoutMs = 5000 }: Asked): Promise<Seen> {
  const desc = ProbeService.method[method];
  const { authorization = "", ...more } = header;
  const input = create(NoteSchema, note);
  return new Promise<UnaryResponse>((resolve, reject) => {
    lane.start(
      {
        method: desc as never,
        input,
        path: `/probe.v1.ProbeService/${desc.name}`,
        timeoutMs,
        authorization,
        statement: "",
        requestId: "",
        correlationId: "",
        traceparent: "",
        fields: fieldsOf(new Headers({ ...more, "user-agent": "test" })),
        message: toBinary(NoteSchema, input),
      },
      {
        answered: (answer) => resolve(responseOf(desc as never, answer, "")),
        failed: ({ error }) => reject(error),
      },
    );
  }).then(
    ({ message, header: headers, trailer }) => ({
      message: seenMessage(message as Note),
      metadata: ownFields(headers, trailer),
    }),
    seenError,
  );
}

const calls: Record<string, Partial<Asked> & Pick<Asked, "method">> = {
  "an answer": { method: "echo", note: { text: "hi", number: 2n ** 62n, data: new Uint8Array([0, 255]) } },
  "an empty answer": { method: "echo" },
  "an answer of a megabyte": { method: "echo", note: { data: new Uint8Array(200_000).fill(7) } },
  "metadata both ways, a user and an address": {
    method: "look",
    note: { text: "hi" },
    header: { "x-mine": "größer", authorization: "Bearer user" },
  },
  "an error with details": { method: "refuse" },
  "an error with metadata of the answer": { method: "echo", note: { text: "fail" } },
  "an error of the library": { method: "wait", note: { text: "plain" } },
  "a mistake of ours": { method: "break" },
  "a store that is away": { method: "wait" },
  "nothing thrown": { method: "wait", note: { text: "nothing" } },
  "a text thrown": { method: "wait", note: { text: "text" } },
  "a violation of the contract": { method: "echo", note: { text: "x".repeat(101) } },
  "the contract's deadline": { method: "hang" },
  "a caller's deadline": { method: "hang", timeoutMs: 30 },
  "no credentials": { method: "mine" },
  "bad credentials": { method: "mine", header: { authorization: "Bearer forged" } },
  "odd credentials": { method: "mine", header: { authorization: "Basic abc" } },
  "bad credentials where none are needed": { method: "echo", header: { authorization: "Bearer forged" } },
  "a user where a service is wanted": { method: "internal", header: { authorization: "Bearer user" } },
  "the service that is wanted": { method: "internal", header: { authorization: "Bearer gateway" } },
};

describe("the express lane gives the same as the general one", () => {
  for (const [what, given] of Object.entries(calls)) {
    test.each(["connect", "grpc", "grpc-web"] as const)(`${what}, over %s`, async (protocol) => {
      const asked: Asked = { note: {}, header: {}, ...given };
      const express = await overExpress(asked);
      const general = await overGeneral(protocol, asked);
      // Who is quicker to see a deadline says it in its own words.
      if (asked.timeoutMs !== undefined) {
        expect([express.code, express.reason]).toEqual([general.code, general.reason]);
      } else expect(express).toEqual(general);
    });
  }

  test("and these calls do tell something", async () => {
    const seen = await Promise.all(
      Object.values(calls).map((given) => overExpress({ note: {}, header: {}, ...given })),
    );
    const codes = new Set(seen.map(({ code = "ok" }) => code));
    expect([...codes].toSorted()).toEqual([
      "DataLoss",
      "DeadlineExceeded",
      "Internal",
      "InvalidArgument",
      "NotFound",
      "PermissionDenied",
      "ResourceExhausted",
      "Unauthenticated",
      "Unavailable",
      "ok",
    ]);
    expect(new Set(seen.map(({ reason }) => reason)).size).toBeGreaterThan(8);
  });
});
