import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProbeHost } from "./kit/probe-host.ts";
import { hostProbe } from "./kit/probe-host.ts";

let probe: ProbeHost;
beforeAll(async () => {
  probe = await hostProbe();
});
afterAll(() => probe[Symbol.asyncDispose]());

interface Outcome {
  stdout: string;
  stderr: string;
  code: number;
}
const run = async (program: string, args: readonly string[]): Promise<Outcome> => {
  try {
    return { ...(await promisify(execFile)(program, args, { timeout: 15_000 })), code: 0 };
  } catch (error) {
    return { ...(error as Outcome), code: Number((error as { code: unknown }).code) };
  }
};

describe("buf curl", () => {
  const buf = (...args: string[]) =>
    run(join(import.meta.dirname, "../../node_modules/.bin/buf"), [
      "curl",
      "--http2-prior-knowledge",
      ...args,
    ]);
  const method = (name: string) => `http://localhost:${probe.port}/probe.v1.ProbeService/${name}`;

  test("lists the methods that a port serves", async () => {
    const { stdout } = await buf("--protocol", "grpc", `http://localhost:${probe.port}`, "--list-methods");
    for (const name of [
      "probe.v1.ProbeService/Echo",
      "probe.v1.ProbeService/Chat",
      "grpc.health.v1.Health/Check",
    ]) {
      expect(stdout).toContain(name);
    }
  });

  test.each(["grpc", "grpcweb", "connect"])("calls over %s", async (protocol) => {
    const answer = await buf(
      "--protocol",
      protocol,
      "-d",
      '{"text":"hi","number":"9007199254740993"}',
      method("Echo"),
    );
    expect(answer.stderr).toBe("");
    expect(JSON.parse(answer.stdout)).toEqual({ text: "hi", number: "9007199254740993" });
    const stream = await buf("--protocol", protocol, "-d", '{"number":2}', method("Count"));
    expect(stream.stdout.match(/"number": "\d+"/g)).toEqual(['"number": "1"', '"number": "2"']);
    const refused = await buf("--protocol", protocol, "-d", "{}", method("Refuse"));
    expect(refused.code).not.toBe(0);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: "not_found", message: "no note has this text" });
  });
});

const grpcurl = (process.env.PATH ?? "")
  .split(delimiter)
  .map((it) => join(it, "grpcurl"))
  .find(existsSync);
describe.skipIf(!grpcurl)(`grpcurl${grpcurl ? "" : " (skipped: it is not on PATH)"}`, () => {
  test("lists, describes and calls", async () => {
    const at = `127.0.0.1:${probe.port}`;
    const list = await run(grpcurl!, ["-plaintext", at, "list"]);
    expect(list.stdout.trim().split("\n")).toContain("probe.v1.ProbeService");
    const call = await run(grpcurl!, ["-plaintext", "-d", '{"text":"hi"}', at, "probe.v1.ProbeService/Echo"]);
    expect(JSON.parse(call.stdout)).toEqual({ text: "hi" });
  });
});
