import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { docsRoutes } from "./page.ts";

const docs = docsRoutes({ title: `<Weft> & "more"` });
const server = createServer((request, response) => {
  const asset = docs.asset(new URL(request.url ?? "/", "http://localhost").pathname, {
    ifNoneMatch: request.headers["if-none-match"],
  });
  if (!asset) response.writeHead(404).end();
  else response.writeHead(asset.status, asset.headers).end(asset.body);
});
let origin = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const referred = (html: string) => [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);

describe("the page", () => {
  test("has all that it refers to, with the right types", async () => {
    const response = await fetch(`${origin}/api/docs`);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const paths = referred(await response.text()).filter((it) => it !== "/openapi.json");
    expect(paths).toHaveLength(5);
    const types: Record<string, string> = {
      js: "text/javascript; charset=utf-8",
      css: "text/css; charset=utf-8",
      png: "image/png",
    };
    for (const path of paths) {
      const part = await fetch(`${origin}${path}`);
      expect(part.status, path).toBe(200);
      expect(part.headers.get("content-type")).toBe(types[path.split(".").at(-1) ?? ""]);
      expect(part.headers.get("x-content-type-options")).toBe("nosniff");
      expect((await part.arrayBuffer()).byteLength).toBe(Number(part.headers.get("content-length")));
    }
  });

  test("loads nothing from elsewhere and has no script of its own in it", async () => {
    const response = await fetch(`${origin}/api/docs/`);
    const html = await response.text();
    expect(referred(html).every((it) => it.startsWith("/"))).toBe(true);
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("connect-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });

  test("has its title as text, whatever is in it", () => {
    expect(docs.asset("/api/docs")?.body.toString()).toContain(
      "<title>&lt;Weft&gt; &amp; &quot;more&quot;</title>",
    );
  });

  test("reads the document of its own origin", () => {
    expect(docs.asset("/api/docs")?.body.toString()).toContain('data-document-url="/openapi.json"');
    const init = docs.paths.find((it) => it.endsWith("init.js")) ?? "";
    const script = docs.asset(init)?.body.toString() ?? "";
    expect(script).toContain("dataset");
    expect(script).toContain("validatorUrl: null");
  });

  test("may call other servers only if it is told of them", () => {
    const other = docsRoutes({ servers: ["/", "https://api.example.com/v1"] });
    expect(other.asset("/api/docs")?.headers["content-security-policy"]).toContain(
      "connect-src 'self' https://api.example.com;",
    );
  });
});

test("what the client has already is not sent again", async () => {
  for (const path of docs.paths) {
    const { etag = "" } = docs.asset(path)?.headers ?? {};
    const again = await fetch(`${origin}${path}`, { headers: { "if-none-match": `"other", W/${etag}` } });
    expect(again.status, path).toBe(304);
    expect((await again.arrayBuffer()).byteLength).toBe(0);
    expect(docs.asset(path, { ifNoneMatch: '"other"' })?.status).toBe(200);
  }
});

test("parts of the package are kept for good, and ours are asked for again", () => {
  const cacheOf = (ending: string) =>
    docs.asset(docs.paths.find((it) => it.endsWith(ending)) ?? "")?.headers["cache-control"];
  expect(cacheOf("swagger-ui-bundle.js")).toContain("immutable");
  expect(cacheOf("/docs")).toBe("no-cache");
  expect(cacheOf("init.js")).toBe("no-cache");
});

test("files are compressed once that is done, and as they are until then", async () => {
  const fresh = docsRoutes();
  const path = fresh.paths.find((it) => it.endsWith("swagger-ui.css")) ?? "";
  const first = fresh.asset(path, { encoding: "br" });
  expect(first?.headers["content-encoding"]).toBeUndefined();
  await fresh.warm();
  for (const [encoding, unpack] of [
    ["br", brotliDecompressSync],
    ["gzip", gunzipSync],
  ] as const) {
    const packed = fresh.asset(path, { encoding });
    expect(packed?.headers["content-encoding"]).toBe(encoding);
    expect(packed?.headers.vary).toBe("accept-encoding");
    expect(packed?.headers.etag).not.toBe(first?.headers.etag);
    expect(unpack(packed?.body ?? Buffer.alloc(0)).equals(first?.body ?? Buffer.alloc(0))).toBe(true);
  }
});

test.each(["/", "/api/doc", "/api/docs/../page.ts", "/api/docs/5/x", "/api/docs/__proto__", ""])(
  "there is nothing at %j",
  (path) => {
    expect(docs.asset(path)).toBeUndefined();
  },
);
