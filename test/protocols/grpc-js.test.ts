import { once } from "node:events";
import type { ClientDuplexStream, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GrpcClient } from "./kit/grpc-js.ts";
import { collect, discover, reflect, reflectionClient } from "./kit/grpc-js.ts";
import type { ProbeHost } from "./kit/probe-host.ts";
import { hostProbe } from "./kit/probe-host.ts";

interface Note {
  text: string;
  number: string;
}

let probe: ProbeHost;
let client: GrpcClient;
beforeAll(async () => {
  probe = await hostProbe();
  client = await discover("probe.v1.ProbeService", probe.port);
});
afterAll(async () => {
  client.close();
  await probe[Symbol.asyncDispose]();
});

const unary = (method: string, note: object, options = {}) =>
  new Promise<Note>((resolve, reject) => {
    client[method]!(note, new Metadata(), options, (error: ServiceError | null, answer: Note) => {
      if (error) reject(error);
      else resolve(answer);
    });
  });
const failure = (work: Promise<unknown>): Promise<ServiceError> =>
  work.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: ServiceError) => error,
  );

describe("a client of grpc-js that knows only the port", () => {
  test("makes a call of each kind", async () => {
    expect(await unary("echo", { text: "hi", number: "9007199254740993" })).toMatchObject({
      text: "hi",
      number: "9007199254740993",
    });
    const counted = await collect<Note>(client.count!({ number: "3" }));
    expect(counted.map(({ number }) => number)).toEqual(["1", "2", "3"]);
    const sum = await new Promise<Note>((resolve, reject) => {
      const stream = client.sum!((error: ServiceError | null, note: Note) =>
        error ? reject(error) : resolve(note),
      );
      for (const number of [2, 40]) stream.write({ number });
      stream.end();
    });
    expect(sum.number).toBe("42");
  });

  test("talks and listens at the same time", async () => {
    const stream = client.chat!() as ClientDuplexStream<object, Note>;
    for (const text of ["a", "b"]) {
      stream.write({ text });
      const [heard] = (await once(stream, "data")) as [Note];
      expect(heard.text).toBe(`heard ${text}`);
    }
    stream.end();
    await once(stream, "end");
  });

  test("is told code, message and typed details of an error", async () => {
    const error = await failure(unary("refuse", {}));
    expect([error.code, error.details]).toEqual([status.NOT_FOUND, "no note has this text"]);
    const [details] = error.metadata.get("grpc-status-details-bin");
    expect(details?.toString()).toContain("note_not_found");
    expect(await failure(unary("mine", {}))).toMatchObject({ code: status.UNAUTHENTICATED });
    const hidden = await failure(unary("break", {}));
    expect(hidden.code).toBe(status.INTERNAL);
    expect(hidden.details).not.toContain("hunter2");
  });

  test("is told the field that breaks the contract", async () => {
    const error = await failure(unary("echo", { text: "x".repeat(101) }));
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringMatching(/^text: /) });
  });

  test("is answered for a method that does not exist", async () => {
    const unknown = new Promise((_, reject) => {
      const pass = (value: Buffer) => value;
      client.makeUnaryRequest!("/probe.v1.ProbeService/Nothing", pass, pass, Buffer.alloc(0), reject);
    });
    expect(await failure(unknown)).toMatchObject({ code: status.UNIMPLEMENTED });
  });

  test("has its deadline kept, and the contract's when it has none", async () => {
    expect(await failure(unary("wait", {}, { deadline: Date.now() + 50 }))).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
    expect(await failure(unary("hang", {}))).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
      details: expect.stringContaining("did not end within its deadline"),
    });
    // Further away than a timer reaches.
    expect(await unary("wait", {}, { deadline: new Date(Date.now() + 60 * 86_400_000) })).toMatchObject({
      text: "waited",
    });
  });

  test("may hang up on a stream", async () => {
    const stream = client.follow!({}) as ClientReadableStream<Note>;
    await once(stream, "data");
    stream.cancel();
    const [error] = (await once(stream, "error")) as [ServiceError];
    expect(error.code).toBe(status.CANCELLED);
    await expect
      .poll(() => probe.logs.lines.filter((it) => it.method === "probe.v1.ProbeService/Follow"))
      .toMatchObject([{ code: "canceled" }]);
  });

  test("gets the ids of the call in the headers", async () => {
    const metadata = new Metadata();
    metadata.set("x-request-id", "from-grpc-js");
    const call = client.echo!({}, metadata, () => {});
    const [headers] = (await once(call, "metadata")) as [Metadata];
    expect(headers.get("x-request-id")).toEqual(["from-grpc-js"]);
    expect(headers.get("x-correlation-id")).toEqual(["from-grpc-js"]);
  });

  test("may compress its requests, and has large answers compressed", async () => {
    const gzip = await discover("probe.v1.ProbeService", probe.port, {
      "grpc.default_compression_algorithm": 2,
    });
    try {
      const data = Buffer.alloc(100_000, "weft ");
      const call = new Promise<{ data: Buffer }>((resolve, reject) => {
        gzip.echo!({ data }, (error: unknown, note: { data: Buffer }) =>
          error ? reject(error) : resolve(note),
        );
      });
      expect((await call).data.equals(data)).toBe(true);
    } finally {
      gzip.close();
    }
  });
});

describe.each(["v1", "v1alpha"] as const)("reflection %s", (version) => {
  const ask = async (...questions: object[]) => {
    const reflection = reflectionClient(version, probe.port);
    try {
      return await reflect(reflection, ...questions);
    } finally {
      reflection.close();
    }
  };

  test("lists what the port serves, health and itself included", async () => {
    const [answer] = await ask({ listServices: "" });
    expect(answer?.listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "probe.v1.ProbeService",
    ]);
  });

  test("gives a file with all that it imports, and nothing twice on one stream", async () => {
    const answers = await ask(
      { fileContainingSymbol: "probe.v1.ProbeService.Echo" },
      { fileByFilename: "mesh/v1/options.proto" },
      {
        fileContainingExtension: { containingType: "google.protobuf.MethodOptions", extensionNumber: 60100 },
      },
    );
    const counts = answers.map((it) => it.fileDescriptorResponse?.fileDescriptorProto.length);
    expect(counts[0]).toBeGreaterThanOrEqual(5);
    expect(counts.slice(1)).toEqual([1, 1]);
  });

  test("knows the extensions of a message", async () => {
    const [answer] = await ask({ allExtensionNumbersOfType: "google.protobuf.MethodOptions" });
    expect(answer?.allExtensionNumbersResponse?.extensionNumber).toContain(60100);
  });

  test("says what it does not know, and goes on", async () => {
    const answers = await ask(
      { fileContainingSymbol: "no.Such" },
      { fileByFilename: "no.proto" },
      { fileContainingExtension: { containingType: "no.Such", extensionNumber: 7 } },
      { fileContainingSymbol: "probe.v1.Note" },
    );
    expect(answers.map((it) => it.errorResponse?.errorCode)).toEqual([5, 5, 5, undefined]);
    expect(answers[2]?.errorResponse?.errorMessage).toBe("extension 7 of no.Such is not known here");
  });
});

test("reflection can be turned off", async () => {
  await using silent = await hostProbe([], { WEFT_REFLECTION: "false" });
  const reflection = reflectionClient("v1", silent.port);
  try {
    expect(await failure(reflect(reflection, { listServices: "" }))).toMatchObject({
      code: status.UNIMPLEMENTED,
    });
  } finally {
    reflection.close();
  }
});
