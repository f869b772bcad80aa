import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import type { Exports } from "./import-map.ts";
import { importsOf } from "./import-map.ts";

/** A web site of somebody's, at an origin that is not the gateway's. */
export interface Site extends AsyncDisposable {
  readonly origin: string;
}

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packages = [
  "@bufbuild/protobuf",
  "@bufbuild/protovalidate",
  "@connectrpc/connect",
  "@connectrpc/connect-web",
];
const script = "/test/browser/page/app.ts";
/** What the site has to show; generated code and packages as they are, without a bundler. */
const shown = [...packages.map((name) => `/node_modules/${name}/`), "/gen/", "/test/browser/page/"];

/** Serves a page whose script is `page/app.ts`. */
export async function openSite(): Promise<Site> {
  const html = pageHtml();
  const server = createServer(({ url = "/" }, response) => {
    const path = posix.normalize(new URL(url, "http://localhost").pathname);
    if (path === "/") answer(response, 200, "text/html", html);
    else if (shown.some((folder) => path.startsWith(folder))) void answerModule(response, path);
    else answer(response, 404, "text/plain", "nothing here");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://localhost:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerModule(response: ServerResponse, path: string): Promise<void> {
  try {
    const source = await readFile(join(root, path), "utf8");
    answer(response, 200, "text/javascript", path.endsWith(".ts") ? stripTypeScriptTypes(source) : source);
  } catch (error) {
    answer(response, 404, "text/plain", String(error));
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(body);
}

function pageHtml(): string {
  const imports: Record<string, string> = { "#gen/": "/gen/" };
  for (const name of packages) Object.assign(imports, importsOf(name, exportsOf(name)));
  return `<!doctype html>
<title>A web page</title>
<link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="${script}"></script>
`;
}

function exportsOf(name: string): Exports {
  const text = readFileSync(join(root, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(text) as { exports: Exports }).exports;
}
