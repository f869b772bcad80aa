import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import { create, isFieldSet } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import fc from "fast-check";
import postgres from "postgres";
import { describe, expect, test } from "vitest";
import { AuthService, LoginRequestSchema } from "#gen/user/v1/auth_pb.js";
import { collectLogs } from "../testing/logs.ts";
import { NoteSchema, ProbeService } from "../testing/probe.ts";
import type { Logger } from "./logger.ts";
import { createLogger } from "./logger.ts";

function open() {
  const logs = collectLogs();
  const log = createLogger({
    service: "test",
    level: "trace",
    contracts: [AuthService, ProbeService],
    destination: logs,
  });
  return { log, logs };
}

const note = (init: MessageInitShape<typeof NoteSchema>) => create(NoteSchema, init);

test("a line is one JSON object with timestamp, level, service and message", () => {
  const { log, logs } = open();
  log.child({ requestId: "r1" }).info({ duration: 1.5 }, "call");
  expect(logs.text).toMatch(/^\{.*\}\n$/);
  expect(logs.lines).toEqual([
    {
      level: "info",
      timestamp: expect.any(String),
      service: "test",
      requestId: "r1",
      duration: 1.5,
      message: "call",
    },
  ]);
  expect(new Date(String(logs.lines[0]?.timestamp)).getTime()).toBeGreaterThan(Date.now() - 60_000);
});

describe("a message in a line", () => {
  const login = create(LoginRequestSchema, { email: "ada@example.com", password: "correct horse" });

  /** Every way to put something into a line. */
  const ways: Record<string, (log: Logger, value: unknown) => void> = {
    "as a field": (log, request) => log.info({ request }, "x"),
    "as the object itself": (log, request) => log.info(request as object),
    "inside another object": (log, request) => log.warn({ call: { request } }),
    "inside a list": (log, request) => log.error({ requests: [request] }),
    "in the bindings of a child": (log, request) => log.child({ request }).info("x"),
    "in the bindings of a grandchild": (log, request) => log.child({}).child({ request }).info("x"),
    "formatted into the text": (log, request) =>
      log.info("got %o and %j", request as object, request as object),
    "formatted beside fields": (log, request) => log.info({ a: 1 }, "got %O", request as object),
  };

  test.each(Object.entries(ways))("shows nothing personal %s", (_name, write) => {
    const { log, logs } = open();
    write(log, login);
    expect(logs.lines).toHaveLength(1);
    expect(logs.text).toContain("user.v1.LoginRequest");
    expect(logs.text).not.toMatch(/ada@|correct horse/);
  });

  test("shows what its contract does not hide", () => {
    const { log, logs } = open();
    log.info({
      request: note({ text: "plain", secret: "s", number: 2n ** 60n, data: new Uint8Array(3), notes: [{}] }),
    });
    expect(logs.lines[0]?.request).toEqual({
      "probe.v1.Note": {
        text: "plain",
        number: "1152921504606846976",
        secret: "[redacted]",
        data: "[3 bytes]",
        notes: "[1 items]",
      },
    });
  });

  test("of a contract that is not ours shows only its name", () => {
    const { log, logs } = open();
    log.info({ request: { $typeName: "other.v1.Thing", password: "p4ss", anything: "else" } });
    expect(logs.lines[0]?.request).toEqual({ "other.v1.Thing": "[unknown message]" });
  });

  test("is cut when it is long or deep", () => {
    const { log, logs } = open();
    let deep = note({ text: "bottom" });
    for (let depth = 0; depth < 20; depth++) deep = note({ inner: deep });
    log.info({ long: note({ text: "x".repeat(100_000) }), deep });
    expect(logs.text.length).toBeLessThan(1000);
    expect(logs.text).not.toContain("bottom");
  });

  test("never shows a field that its contract hides, whatever it holds and however it is logged", () => {
    const marked = fc.stringMatching(/^[a-z]{6}$/);
    const plain = fc.constantFrom("", "open", "text");
    const { message } = fc.letrec<{ message: MessageInitShape<typeof NoteSchema> }>((tie) => ({
      message: fc.record(
        {
          text: plain,
          secret: marked.map((it) => `HIDDEN${it}`),
          hidden: fc.record({ text: marked.map((it) => `HIDDEN${it}`) }),
          inner: tie("message"),
          notes: fc.array(tie("message"), { maxLength: 2 }),
        },
        { requiredKeys: [] },
      ),
    }));
    fc.assert(
      fc.property(message, fc.constantFrom(...Object.values(ways)), (init, write) => {
        const { log, logs } = open();
        write(log, note(init));
        expect(logs.text).not.toContain("HIDDEN");
      }),
    );
  });

  test("of every contract we have hides all that is marked", () => {
    for (const desc of messagesOf(AuthService)) {
      const message = filled(desc);
      const hidden = desc.fields.filter((it) => it.proto.options?.debugRedact && isFieldSet(message, it));
      const { log, logs } = open();
      log.info({ request: message });
      const { request } = logs.lines[0] as { request: Record<string, Record<string, unknown>> };
      const shown = request[desc.typeName]!;
      for (const field of hidden) expect(shown[field.name]).toBe("[redacted]");
      expect(logs.text).not.toContain("PERSONAL");
    }
  });

  function messagesOf(contract: typeof AuthService): DescMessage[] {
    return contract.methods.flatMap(({ input, output }) => [input, output]);
  }

  /** A message all of whose text fields have text; marked ones a text that must not be seen. */
  function filled(desc: DescMessage): Message {
    const message = create(desc);
    const view = reflect(desc, message);
    for (const field of desc.fields) {
      const text = field.proto.options?.debugRedact ? "PERSONAL" : "open";
      if (field.fieldKind === "scalar" && field.scalar === 9) view.set(field, text);
      if (field.fieldKind === "message") view.set(field, reflect(field.message, filled(field.message)));
    }
    return message;
  }
});

describe("what is no message", () => {
  test.each([
    [{ password: "p4ss" }],
    [{ headers: { authorization: "Bearer p4ss", cookie: "p4ss" } }],
    [{ call: { userToken: "p4ss" } }],
    [{ list: [{ client_secret: "p4ss" }] }],
    [{ refreshToken: "p4ss", assertion: "p4ss" }],
    [{ url: new URL("postgres://user:p4ss@host/db?password=p4ss") }],
    [{ key: Buffer.from("p4ss") }],
    [{ held: new Map([["x", "p4ss"]]) }],
  ])("%# does not show its secrets", (fields) => {
    const { log, logs } = open();
    log.info(fields);
    log.child(fields).info("x");
    expect(logs.lines).toHaveLength(2);
    expect(logs.text).not.toMatch(/p4ss/);
    expect(logs.text).not.toContain(Buffer.from("p4ss").toString("base64"));
  });

  test("keeps numbers, dates and words", () => {
    const { log, logs } = open();
    log.info({ count: 3, big: 5n, at: new Date(0), reason: "ok", none: null, tokens: 7 });
    expect(logs.lines[0]).toMatchObject({
      count: 3,
      big: "5",
      at: "1970-01-01T00:00:00.000Z",
      reason: "ok",
      none: null,
      tokens: 7,
    });
  });
});

describe("an error in a line", () => {
  const databaseError = () =>
    Object.assign(Object.create(postgres.PostgresError.prototype) as Error, {
      name: "PostgresError",
      message: 'duplicate key value violates unique constraint "users_email"',
      code: "23505",
      detail: "Key (email)=(ada@example.com) already exists.",
      where: "ada@example.com",
      query: "insert into users values ($1)",
      parameters: ["ada@example.com"],
      args: ["ada@example.com"],
    });

  test.each<[string, (log: Logger) => void]>([
    ["under its usual name", (log) => log.error({ err: databaseError() }, "x")],
    ["under any name", (log) => log.error({ problem: databaseError() }, "x")],
    ["by itself", (log) => log.error(databaseError())],
    ["as a cause", (log) => log.error({ err: new Error("outer", { cause: databaseError() }) })],
    ["in a list", (log) => log.error({ errors: [databaseError()] })],
    ["formatted", (log) => log.error("failed: %o", databaseError())],
  ])("of the database, %s, shows code and message but no row", (_name, write) => {
    const { log, logs } = open();
    write(log);
    expect(logs.text).toContain("23505");
    expect(logs.text).toContain("users_email");
    expect(logs.text).not.toMatch(/ada@|insert into/);
  });

  test("shows type, stack and the chain of causes, which may be a circle", () => {
    const { log, logs } = open();
    const inner = new TypeError("inner");
    const outer = new Error("outer", { cause: inner });
    inner.cause = outer;
    log.error({ err: outer }, "x");
    expect(logs.lines[0]?.err).toMatchObject({
      type: "Error",
      message: "outer",
      stack: expect.stringContaining("logger.test.ts"),
      cause: { type: "TypeError", message: "inner" },
    });
  });
});
