import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.js";
import { methodName } from "#mesh";
import { isPublished } from "#mesh/contract/published.ts";
import { bindings, contracts, hidden, methods, rpcPath } from "./kit/contracts.ts";
import type { Platform } from "./kit/platform.ts";
import { ask, register, startPlatform } from "./kit/platform.ts";
import { exchangeRaw } from "./kit/raw-http.ts";

// What is told of the API is what there is, and what is for services alone is not there (OWASP API5, API9).

let platform: Platform;
let url: string;
let port: number;
let token: string;
beforeAll(async () => {
  platform = await startPlatform({ env: { GATEWAY_CORS_ORIGINS: "https://shop.example.com" } });
  url = platform.url;
  port = Number(new URL(url).port);
  token = (await register(url, "ada@example.com")).body.data.session.access_token;
}, 60_000);
afterAll(() => platform?.[Symbol.asyncDispose]());

const post = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
const statusOf = async (path: string, init: RequestInit = {}) => {
  const answer = await fetch(`${url}${path}`, init);
  await answer.arrayBuffer();
  return answer.status;
};

describe("what is for services alone is not there, however its path is written", () => {
  const disguises: ((path: string) => string)[] = [
    (it) => it,
    (it) => `/${it}`,
    (it) => `${it}/`,
    (it) => `${it}?`,
    (it) => `${it}?connect=v1&encoding=json&message=%7B%7D`,
    (it) => it.replace(".v1", "%2Ev1"),
    (it) =>
      it.replace(
        /\/([A-Z])(\w+)$/,
        (_, first: string, rest: string) => `/%${first.charCodeAt(0).toString(16)}${rest}`,
      ),
    (it) => it.replace(/(?<!^)\//, "%2F"),
    (it) => it.replace(/(?<!^)\//, "//"),
    (it) => it.replace(/(?<!^)\//, "/./"),
    (it) => `/gateway.v1.GatewayService/..${it}`,
    (it) => `/api${it}`,
    (it) => `/api/v1${it}`,
    (it) => it.toLowerCase(),
    (it) => it.toUpperCase(),
    (it) => `${it};a=b`,
    (it) => `${it}%00`,
    (it) => `${it}%20`,
    (it) => `${it}#x`,
    (it) => it.replaceAll("/", "\\"),
    (it) => `http://127.0.0.1${it}`,
    (it) => `//127.0.0.1${it}`,
  ];
  const overrides = [
    "X-HTTP-Method-Override: POST",
    `X-Original-URL: %`,
    `X-Rewrite-URL: %`,
    `X-Forwarded-Path: %`,
    "X-Forwarded-Host: security",
    "X-Service-Name: user",
  ];

  test.each(hidden.map((it) => [rpcPath(it)]))("%s", async (path) => {
    const send = async (verb: string, target: string, more: string) => {
      const head = `${verb} ${target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${more}Content-Length: 2\r\nConnection: close\r\n\r\n{}`;
      const { statuses, text } = await exchangeRaw(port, head);
      return { status: statuses[0], text, line: `${verb} ${target} ${more.trim()}: ${statuses}` };
    };
    const all = await Promise.all([
      ...disguises.flatMap((it) => [send("POST", it(path), ""), send("GET", it(path), "")]),
      ...overrides.map((it) => send("POST", "/nowhere", `${it.replace("%", path)}\r\n`)),
      ...overrides.map((it) =>
        send("GET", "/gateway.v1.GatewayService/Nothing", `${it.replace("%", path)}\r\n`),
      ),
    ]);
    const reached = all.filter(({ status }) => status !== 404 && status !== 400 && status !== 415);
    expect(reached.map(({ line, text }) => `${line} ${text.slice(0, 200)}`)).toEqual([]);
  });

  test("and is answered as what never was, to the letter", async () => {
    const shape = async (path: string, init: RequestInit) => {
      const answer = await fetch(`${url}${path}`, init);
      const name = path.split(/[/?]/)[2] ?? "";
      const text = (await answer.text())
        .replaceAll(name, "…")
        .replace(/"(requestId|timestamp)":"[^"]*"/g, "");
      const headers = [...answer.headers].filter(
        ([it]) => !["date", "x-request-id", "x-correlation-id", "content-length"].includes(it),
      );
      return JSON.stringify([
        answer.status,
        headers,
        text,
        answer.headers.get("grpc-message")?.replaceAll(name, "…"),
      ]);
    };
    const bearer = { authorization: `Bearer ${token}` };
    const ways: RequestInit[] = [
      post,
      { method: "POST", headers: { ...bearer, "content-type": "application/proto" }, body: new Uint8Array() },
      { method: "POST", headers: { "content-type": "application/grpc-web+proto" }, body: new Uint8Array(5) },
      { method: "POST", headers: { "content-type": "application/connect+json" }, body: new Uint8Array(5) },
      { method: "GET", headers: bearer },
      { method: "OPTIONS" },
      {
        method: "OPTIONS",
        headers: { origin: "https://shop.example.com", "access-control-request-method": "POST" },
      },
      { method: "DELETE" },
    ];
    for (const method of hidden) {
      const twin = rpcPath(method).replace(/[^/]+$/, (it) => it.replaceAll(/[a-z]/g, "q"));
      for (const way of ways)
        expect(await shape(rpcPath(method), way)).toBe(
          (await shape(twin, way)).replaceAll(twin, rpcPath(method)),
        );
    }
  });
});

describe("inventory", () => {
  const routeNames = bindings.map(({ verb, template }) => `${verb} ${template.text}`).sort();

  test("/gateway/services names exactly the routes of the contracts", async () => {
    const { body } = await ask(url, "GET", "/gateway/services");
    const services = body.data.services as { routes: { verb: string; path: string }[] }[];
    const listed = services.flatMap(({ routes }) => routes).map(({ verb, path }) => `${verb} ${path}`);
    expect(listed.sort()).toEqual(routeNames);
  });

  test("the document names exactly those that somebody outside may use", async () => {
    const { body } = await ask(url, "GET", "/openapi.json");
    const paths = body.paths as Record<string, Record<string, unknown>>;
    const verbs = ["get", "put", "post", "delete", "patch", "options", "head"];
    const shown = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((it) => verbs.includes(it))
        .map((verb) => `${verb.toUpperCase()} ${path}`),
    );
    const open = bindings.filter(({ method }) => isPublished(method));
    expect(shown.sort()).toEqual(open.map(({ verb, template }) => `${verb} ${template.text}`).sort());
    const text = JSON.stringify(body);
    for (const { name } of hidden) expect(text).not.toContain(name);
  });

  test("reflection names exactly the methods that are there", async () => {
    const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: url }));
    const question = async (messageRequest: object) => {
      const asking = async function* () {
        yield { messageRequest: messageRequest as never };
      };
      for await (const { messageResponse } of client.serverReflectionInfo(asking())) return messageResponse;
      return undefined;
    };
    const listed = await question({ case: "listServices", value: "" });
    const names = listed?.case === "listServicesResponse" ? listed.value.service.map(({ name }) => name) : [];
    const shown = new Set<string>();
    for (const name of names.filter((it) => !it.startsWith("grpc."))) {
      const file = await question({ case: "fileContainingSymbol", value: name });
      const text =
        file?.case === "fileDescriptorResponse"
          ? Buffer.concat(file.value.fileDescriptorProto).toString("latin1")
          : "";
      const contract = contracts.find(({ typeName }) => typeName === name);
      expect(contract, name).toBeDefined();
      for (const method of contract?.methods ?? []) {
        // As a field of a descriptor: its length before it.
        if (text.includes(`\n${String.fromCharCode(method.name.length)}${method.name}\x12`))
          shown.add(methodName(method));
      }
    }
    expect([...shown].sort()).toEqual(methods.filter(isPublished).map(methodName).sort());
    for (const method of hidden) {
      const { parent, name } = method;
      const asked = await question({ case: "fileContainingSymbol", value: `${parent.typeName}.${name}` });
      expect(asked?.case, name).toBe("errorResponse");
    }
  });

  test("each RPC that is published is there, and each that is not is not", async () => {
    for (const method of methods) {
      const status = await statusOf(rpcPath(method), post);
      expect([methodName(method), status !== 404]).toEqual([methodName(method), isPublished(method)]);
    }
  });

  test("no path but those of the contracts and the gateway's own pages is there", async () => {
    const own = [
      "/health",
      "/health/detailed",
      "/health/live",
      "/health/ready",
      "/metrics",
      "/openapi.json",
      "/api/docs",
    ];
    const texts = [...routeNames.map((it) => it.split(" ")[1] ?? ""), ...own, "/api/v1", "/gateway"];
    const words = [
      ...new Set(texts.flatMap((it) => it.split("/")).filter((it) => it && !it.startsWith("{"))),
    ];
    const forms = bindings.map(
      ({ template }) =>
        new RegExp(`^${template.text.replace(/[.:]/g, "\\$&").replace(/\{\w+\}/g, "[^/]+")}$`),
    );
    // A dot segment is nobody's id: nothing is served above or beside a path.
    const known = (path: string) =>
      !path.split("/").includes("..") &&
      (own.includes(path) ||
        forms.some((it) => it.test(path) || it.test(path.replace(/^\/api\//, "/api/v1/"))));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...words, "admin", "debug", "env", "v2", ".git", "actuator", ".."), {
          minLength: 1,
          maxLength: 5,
        }),
        async (parts) => {
          const path = `/${parts.join("/")}`;
          const { statuses } = await exchangeRaw(
            port,
            `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
          );
          expect([path, [404, 400].includes(statuses[0] ?? 0)]).toEqual([path, !known(path)]);
        },
      ),
      { numRuns: 300, examples: [[["api", "v1", "users", ".."]], [["api", "docs", "api"]]] },
    );
  });
});
