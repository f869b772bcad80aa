import { create } from "@bufbuild/protobuf";
import type { CallOptions, Client } from "@connectrpc/connect";
import { Code, ConnectError, decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import { expect } from "vitest";
import { ErrorInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import type { GeneralLaneOptions } from "#mesh/client/general-lane.ts";
import { newId } from "#mesh/id.ts";
import type { ProbeContract } from "#mesh/testing/probe.ts";
import { NoteSchema } from "#mesh/testing/probe.ts";
import type { EndedCalls } from "./probe-handlers.ts";
import type { Way } from "./ways.ts";

/** What a case has to work with: a client that calls one way, and the server's notes. */
export interface Scene {
  readonly way: Way;
  readonly client: Client<ProbeContract>;
  /** Another client of the same way. */
  other(options: Partial<GeneralLaneOptions>): Client<ProbeContract>;
  readonly ended: EndedCalls;
  /** Largest message that the server takes. */
  readonly messageBytes: number;
}

export type Case = (scene: Scene) => Promise<void>;

const full = {
  text: "größer als ☕",
  number: -(2n ** 63n),
  secret: "s",
  data: new Uint8Array([0, 255, 13, 10]),
  inner: { text: "inside", number: 2n ** 63n - 1n },
  notes: [{ text: "1" }, {}, { text: "3" }],
};

export async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (it: unknown) => it,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

async function* each<T>(...items: T[]): AsyncIterable<T> {
  yield* items;
}

/** Quicker than to compare them as lists. */
const sameBytes = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

/** A name for a call that ends early, and a promise that its handler saw the end. */
function watchEnd(ended: EndedCalls): { text: string; seen: Promise<void> } {
  const text = newId();
  const seen = new Promise<void>((resolve) => ended.set(text, resolve));
  return { text, seen };
}

/** The metadata of an answer, as a caller collects it. */
function collected(): { options: CallOptions; headers: Headers[]; trailers: Headers[] } {
  const headers: Headers[] = [];
  const trailers: Headers[] = [];
  return {
    headers,
    trailers,
    options: { onHeader: (it) => headers.push(it), onTrailer: (it) => trailers.push(it) },
  };
}

/** For every way of calling. */
export const cases: Readonly<Record<string, Case>> = {
  "gives every field back": async ({ client }) => {
    expect(await client.echo(full)).toEqual(create(NoteSchema, full));
  },
  "takes a message without a single field": async ({ client }) => {
    expect(await client.echo({})).toEqual(create(NoteSchema));
  },
  "carries metadata both ways": async ({ client }) => {
    const { options, headers, trailers } = collected();
    await client.look({}, { ...options, headers: { "x-sent": "a, b" } });
    expect(headers[0]?.get("x-header")).toBe("a, b");
    expect(trailers[0]?.get("x-trailer")).toBe("a, b");
  },
  "carries bytes as metadata": async ({ client }) => {
    const { options, trailers } = collected();
    const bytes = new Uint8Array([0, 128, 255]);
    await client.look({}, { ...options, headers: { "x-bytes-bin": encodeBinaryHeader(bytes) } });
    expect(decodeBinaryHeader(trailers[0]?.get("x-bytes-bin") ?? "")).toEqual(bytes);
  },
  "carries an error with its code, words, details and metadata": async ({ client }) => {
    const error = await failureOf(client.refuse({ text: "which" }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toBe("kein Zettel heißt so: 100 %");
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "note_not_found", domain: "weft", metadata: { text: "which" } },
    ]);
    expect(error.metadata.get("x-trailer") ?? error.metadata.get("trailer-x-trailer")).toBe(
      "behind the error",
    );
  },
  "tells nothing of the inside when a handler breaks": async ({ client }) => {
    const error = await failureOf(client.break({}));
    expect(error.code).toBe(Code.Internal);
    expect(error.message).not.toContain("hunter2");
  },
  "names what breaks the contract": async ({ client }) => {
    const error = await failureOf(client.echo({ text: "x".repeat(101) }));
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.rawMessage).toContain("text");
  },
  "tells the handler what time is left": async ({ client }) => {
    const { number } = await client.look({}, { timeoutMs: 5_000 });
    expect(Number(number)).toBeGreaterThan(0);
    expect(Number(number)).toBeLessThanOrEqual(5_000);
  },
  "has no deadline that nobody set": async ({ client }) => {
    expect((await client.look({})).number).toBe(-1n);
  },
  "ends at its deadline, at both ends": async ({ client, ended }) => {
    const { text, seen } = watchEnd(ended);
    const error = await failureOf(client.hang({ text }, { timeoutMs: 60 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await seen;
  },
  "is cancelled, at both ends": async ({ client, ended }) => {
    const { text, seen } = watchEnd(ended);
    const abort = new AbortController();
    const call = failureOf(client.hang({ text }, { signal: abort.signal }));
    setTimeout(() => abort.abort(), 30);
    expect((await call).code).toBe(Code.Canceled);
    await seen;
  },
  "is not begun when it is cancelled before": async ({ client }) => {
    expect((await failureOf(client.echo({}, { signal: AbortSignal.abort() }))).code).toBe(Code.Canceled);
  },
  "takes a large message": async ({ client, messageBytes }) => {
    const data = new Uint8Array(messageBytes / 2).fill(7);
    expect(sameBytes((await client.echo({ data })).data, data)).toBe(true);
  },
  "refuses a request that is too large": async ({ client, messageBytes }) => {
    const error = await failureOf(client.echo({ data: new Uint8Array(messageBytes + 1) }));
    expect(error.code).toBe(Code.ResourceExhausted);
  },
  "refuses an answer that is too large": async ({ other }) => {
    const error = await failureOf(other({ readMaxBytes: 1024 }).echo({ data: new Uint8Array(2048) }));
    expect(error.code).toBe(Code.ResourceExhausted);
  },
  "does not send what is too large to send": async ({ other }) => {
    const error = await failureOf(other({ writeMaxBytes: 1024 }).echo({ data: new Uint8Array(2048) }));
    expect(error.code).toBe(Code.ResourceExhausted);
  },
  compresses: async ({ other, messageBytes }) => {
    const client = other({ sendCompression: compressionGzip, compressMinBytes: 0 });
    const data = new Uint8Array(messageBytes / 2).fill(7);
    expect(sameBytes((await client.echo({ data })).data, data)).toBe(true);
    expect((await client.sum(each({ number: 1n }, { number: 2n }))).number).toBe(3n);
  },
  "refuses what is too large once it is unpacked": async ({ other, messageBytes }) => {
    const client = other({ sendCompression: compressionGzip, compressMinBytes: 0 });
    const error = await failureOf(client.echo({ data: new Uint8Array(messageBytes + 1) }));
    expect(error.code).toBe(Code.ResourceExhausted);
  },
  "keeps calls at the same time apart": async ({ client }) => {
    const texts = Array.from({ length: 40 }, (_, index) => `call ${index}`);
    const answers = await Promise.all(texts.map((text) => client.echo({ text })));
    expect(answers.map(({ text }) => text)).toEqual(texts);
  },
  "streams answers in their order, between metadata": async ({ client }) => {
    const { options, headers, trailers } = collected();
    const notes = await all(client.count({ number: 20n }, options));
    expect(notes.map(({ number }) => Number(number))).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(headers[0]?.get("x-header")).toBe("first");
    expect(trailers[0]?.get("x-trailer")).toBe("last");
  },
  "streams no answer at all": async ({ client }) => {
    const { options, headers, trailers } = collected();
    expect(await all(client.count({ number: 0n }, options))).toEqual([]);
    expect(headers[0]?.get("x-header")).toBe("first");
    expect(trailers[0]?.get("x-trailer")).toBe("last");
  },
  "streams answers and then an error": async ({ client }) => {
    const seen: bigint[] = [];
    const read = async () => {
      for await (const { number } of client.count({ number: 2n, text: "that is it" })) seen.push(number);
    };
    const error = await failureOf(read());
    expect(seen).toEqual([1n, 2n]);
    expect(error.code).toBe(Code.Aborted);
    expect(error.rawMessage).toBe("that is it");
  },
  "ends a stream of answers at its deadline, at both ends": async ({ client, ended }) => {
    const { text, seen } = watchEnd(ended);
    const error = await failureOf(all(client.follow({ text }, { timeoutMs: 80 })));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await seen;
  },
  "ends a stream of answers that nobody reads on": async ({ client, ended }) => {
    const { text, seen } = watchEnd(ended);
    for await (const note of client.follow({ text })) {
      expect(note.text).toBe("here");
      break;
    }
    await seen;
  },
  "takes a stream of requests": async ({ client }) => {
    const numbers = Array.from({ length: 50 }, (_, index) => ({ number: BigInt(index) }));
    expect((await client.sum(each(...numbers))).number).toBe(1225n);
  },
  "takes a stream without a request": async ({ client }) => {
    expect((await client.sum(each())).number).toBe(0n);
  },
  "refuses a stream of requests in the middle": async ({ client }) => {
    const error = await failureOf(client.sum(each({ number: 1n }, { number: -1n })));
    expect(error.code).toBe(Code.InvalidArgument);
  },
  "refuses a request of a stream that is too large": async ({ client, messageBytes }) => {
    const error = await failureOf(client.sum(each({}, { data: new Uint8Array(messageBytes + 1) })));
    expect(error.code).toBe(Code.ResourceExhausted);
  },
};

/** For the ways that go over HTTP/2, which calls that stream both ways need. */
export const casesBothWays: Readonly<Record<string, Case>> = {
  "answers each request before the next comes": async ({ client }) => {
    let answered: () => void = () => {};
    const asks = async function* () {
      for (const text of ["a", "b", "c"]) {
        const next = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { text };
        await next;
      }
    };
    const heard: string[] = [];
    for await (const { text } of client.chat(asks())) {
      heard.push(text);
      answered();
    }
    expect(heard).toEqual(["heard a", "heard b", "heard c"]);
  },
  "answers requests that came all at once": async ({ client }) => {
    const notes = await all(client.chat(each({ text: "a" }, { text: "b" })));
    expect(notes.map(({ text }) => text)).toEqual(["heard a", "heard b"]);
  },
  "ends a talk in the middle with an error": async ({ client }) => {
    const error = await failureOf(all(client.chat(each({ text: "a" }, { text: "stop" }, { text: "b" }))));
    expect(error.code).toBe(Code.Aborted);
  },
};
