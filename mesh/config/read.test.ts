import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reasonOf } from "../errors.ts";
import { readServiceConfig } from "../host/mesh-config.ts";
import { duration, durationFrom, durationUpTo, flag, integer, oneOf, port, text, url } from "./fields.ts";
import { readConfig } from "./read.ts";

function problemOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(reasonOf(error)).toBe("bad_configuration");
    return String(error);
  }
  throw new Error("nothing was wrong");
}

describe("readConfig", () => {
  const fields = {
    NAME: text("A name."),
    COUNT: integer(1, 10)("A count.", { fallback: "3" }),
    KEY: url("https")("A key.", { secret: true }),
  };

  test("tells every problem at once, and where to look", () => {
    const problem = problemOf(() => readConfig(fields, { COUNT: "11", KEY: "ftp://x" }));
    expect(problem).toContain("NAME is not set: A name.");
    expect(problem).toContain('COUNT must be a whole number from 1 to 10, not "11"');
    expect(problem).toContain("KEY must be a URL that starts with https://");
    expect(problem).toContain(".env.example");
  });

  test("never shows a secret", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{12,20}$/), (secret) => {
        const env = { NAME: "x", KEY: `ftp://user:${secret}@host` };
        expect(problemOf(() => readConfig(fields, env))).not.toContain(secret);
      }),
    );
  });

  test("takes an empty variable for an unset one", () => {
    expect(readConfig({ COUNT: fields.COUNT }, { COUNT: "" })).toEqual({ COUNT: 3 });
    expect(problemOf(() => readConfig({ NAME: fields.NAME }, { NAME: "" }))).toContain("NAME is not set");
  });

  test("lets a parser's own mistake through", () => {
    const broken = { ...fields.NAME, parse: () => undefined!["x" as never] };
    expect(() => readConfig({ NAME: broken }, { NAME: "x" })).toThrow(TypeError);
  });
});

describe("fields", () => {
  const parse = <T>(field: { parse(text: string): T }, value: string) => {
    try {
      return field.parse(value);
    } catch {
      return "refused";
    }
  };
  test.each([
    [port, "0", 0],
    [port, "65535", 65535],
    [port, "65536", "refused"],
    [port, "-1", "refused"],
    [port, "80.5", "refused"],
    [port, "1e3", "refused"],
    [port, " 80", "refused"],
    [port, "0x10", "refused"],
    [flag, "true", true],
    [flag, "false", false],
    [flag, "yes", "refused"],
    [oneOf("a", "b"), "b", "b"],
    [oneOf("a", "b"), "c", "refused"],
    [duration, "500ms", 500],
    [durationUpTo("2d"), "48h", 172_800_000],
    [durationUpTo("2d"), "49h", "refused"],
    [durationFrom("2d"), "48h", 172_800_000],
    [durationFrom("2d"), "47h", "refused"],
    [duration, "30s", 30_000],
    [duration, "7d", 604_800_000],
    [duration, "0s", 0],
    [duration, "30", "refused"],
    [duration, "-1s", "refused"],
    [duration, "1.5s", "refused"],
  ])("%#: %o reads %j as %j", (kind, value, expected) => {
    expect(parse(kind("x") as { parse(text: string): unknown }, value)).toBe(expected);
  });

  test("a URL may be left out but not be of another scheme", () => {
    const field = url("nats", "tls")("x");
    expect(field.parse("")).toBeUndefined();
    expect(field.parse("nats://h:1")?.host).toBe("h:1");
    expect(parse(field, "http://h")).toBe("refused");
    expect(parse(field, "h:4222")).toBe("refused");
  });
});

describe("the configuration of a service", () => {
  const read = (env: Record<string, string>, own = {}) => readServiceConfig("order-desk", 8012, own, env);

  test("needs nothing at all", () => {
    const { config } = read({});
    expect(config).toMatchObject({ port: 8012, natsUrl: "nats://127.0.0.1:4222", databaseUrl: undefined });
    expect(config.keyFile).toBe(".weft/keys/order-desk/key.json");
  });

  test("prefers what names the service", () => {
    const { config } = read({
      PORT: "1",
      ORDER_DESK_PORT: "2",
      DATABASE_URL: "postgres://u:p@db:5432/ignored",
      ORDER_DESK_DATABASE_URL: "postgres://own/mine",
    });
    expect(config.port).toBe(2);
    expect(config.databaseUrl).toBe("postgres://own/mine");
  });

  test("puts its database, named for it, onto the shared server", () => {
    const { config } = read({ PORT: "0", DATABASE_URL: "postgres://u:p@db:5432/x?sslmode=require" });
    expect(config.port).toBe(0);
    expect(config.databaseUrl).toBe("postgres://u:p@db:5432/order_desk_service?sslmode=require");
  });

  test("is checked as a whole: mesh, endpoints, port, database and own variables", () => {
    const env = {
      LOG_LEVEL: "loud",
      WEFT_ENDPOINTS: "security=security:8008",
      ORDER_DESK_PORT: "99999",
      ORDER_DESK_DATABASE_URL: "mysql://root:hunter2@h",
      LIMIT: "many",
    };
    const problem = problemOf(() => read(env, { LIMIT: integer(1, 9)("A limit."), ABSENT: text("Needed.") }));
    for (const name of [
      "LOG_LEVEL",
      "WEFT_ENDPOINTS",
      "ORDER_DESK_PORT",
      "ORDER_DESK_DATABASE_URL",
      "LIMIT",
      "ABSENT",
    ]) {
      expect(problem).toContain(`${name} `);
    }
    expect(problem).not.toContain("hunter2");
  });

  test("gives the service its own variables and no others", () => {
    const { own } = read({ LIMIT: "5", LOG_LEVEL: "info" }, { LIMIT: integer(1, 9)("A limit.") });
    expect(own).toEqual({ LIMIT: 5 });
  });
});
