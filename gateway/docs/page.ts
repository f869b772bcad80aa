import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Compressed, Encoding } from "./page/compressed.ts";
import { createCompressed } from "./page/compressed.ts";
import { pageHtml } from "./page/html.ts";
import { securityHeaders } from "./page/security.ts";

/** A file of the page, ready to be sent. */
export interface Asset {
  readonly status: 200 | 304;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface DocsRoutesOptions {
  /** Default `API`. */
  readonly title?: string;
  /** Path of the page. Default `/api/docs`. */
  readonly path?: string;
  /** Path or URL of the OpenAPI document. Default `/openapi.json`. */
  readonly documentUrl?: string;
  /** Servers of the document at other origins, which the page may then call. Default none. */
  readonly servers?: readonly string[];
}

export interface AssetRequest {
  /** What of these the client prefers, as negotiated from `Accept-Encoding`. */
  readonly encoding?: Encoding | undefined;
  /** The header `If-None-Match`, as it came. */
  readonly ifNoneMatch?: string | undefined;
}

export interface DocsRoutes {
  /** The file at this path, without its query; nothing where there is none. Only GET and HEAD make sense. */
  asset(path: string, request?: AssetRequest): Asset | undefined;
  /** All paths that have a file. */
  readonly paths: readonly string[];
  /** Reads and compresses all files; without it, that is done as they are asked for. */
  warm(): Promise<void>;
}

const require = createRequire(import.meta.url);
const fromPackage = (name: string): Buffer => readFileSync(require.resolve(`swagger-ui-dist/${name}`));
const ofOurs = (name: string): Buffer => readFileSync(new URL(`./page/${name}`, import.meta.url));

const icon = "favicon-32x32.png";
const script = "text/javascript; charset=utf-8";
const style = "text/css; charset=utf-8";
/** What is in the path changes with the package's version. */
const forEver = "public, max-age=31536000, immutable";
/** Asked for each time, and mostly answered 304. */
const fresh = "no-cache";

interface File {
  readonly type: string;
  readonly caching: string;
  readonly read: () => Buffer;
}

/** The page at `/api/docs`: Swagger UI from its package and a few lines of ours. Files are read when first asked for. */
export function docsRoutes(options: DocsRoutesOptions = {}): DocsRoutes {
  const { title = "API", path = "/api/docs", documentUrl = "/openapi.json", servers = [] } = options;
  const { version } = require("swagger-ui-dist/package.json") as { version: string };
  const assets = `${path}/${version}`;
  const html = (): Buffer => Buffer.from(pageHtml({ title, documentUrl, assets, icon }));
  const page: File = { type: "text/html; charset=utf-8", caching: fresh, read: html };
  const files = new Map<string, File>([
    [path, page],
    [`${path}/`, page],
    [`${assets}/swagger-ui-bundle.js`, packaged("swagger-ui-bundle.js", script)],
    [`${assets}/swagger-ui.css`, packaged("swagger-ui.css", style)],
    [`${assets}/${icon}`, packaged(icon, "image/png")],
    [`${assets}/init.js`, { type: script, caching: fresh, read: () => ofOurs("init.js") }],
    [`${assets}/page.css`, { type: style, caching: fresh, read: () => ofOurs("page.css") }],
  ]);
  const security = securityHeaders(servers);
  const loaded = new Map<string, Loaded>();
  const load = (at: string): Loaded | undefined => {
    const file = files.get(at);
    if (!file) return undefined;
    let found = loaded.get(at);
    if (!found) {
      found = loadedOf(file);
      loaded.set(at, found);
    }
    return found;
  };
  return {
    paths: [...files.keys()],
    asset: (at, request) => {
      const found = load(at);
      return found && answer(found, security, request ?? {});
    },
    warm: async () => {
      await Promise.all(Array.from(files.keys(), (at) => load(at)?.compressed?.make()));
    },
  };
}

const packaged = (name: string, type: string): File => ({
  type,
  caching: forEver,
  read: () => fromPackage(name),
});

interface Loaded {
  readonly file: File;
  readonly body: Buffer;
  readonly tag: string;
  readonly compressed: Compressed | undefined;
}

function loadedOf(file: File): Loaded {
  const body = file.read();
  const tag = createHash("sha256").update(body).digest("base64url").slice(0, 22);
  // A picture is compressed already.
  const compressed = file.type.startsWith("text/") ? createCompressed(body) : undefined;
  return { file, body, tag, compressed };
}

const nothing = Buffer.alloc(0);

function answer(
  { file, body, tag, compressed }: Loaded,
  security: Readonly<Record<string, string>>,
  { encoding, ifNoneMatch }: AssetRequest,
): Asset {
  const packed = encoding && compressed?.get(encoding);
  const etag = `"${packed ? `${tag}-${encoding}` : tag}"`;
  const headers: Record<string, string> = {
    ...security,
    "cache-control": file.caching,
    etag,
    ...(compressed && { vary: "accept-encoding" }),
  };
  // Whatever it is packed in, it is what the client has (RFC 9110 §13.1.2, weakly compared).
  if (ifNoneMatch && isKnown(ifNoneMatch, tag)) return { status: 304, headers, body: nothing };
  headers["content-type"] = file.type;
  if (packed) headers["content-encoding"] = encoding;
  const content = packed ?? body;
  headers["content-length"] = `${content.length}`;
  return { status: 200, headers, body: content };
}

const isKnown = (ifNoneMatch: string, tag: string): boolean =>
  ifNoneMatch.split(",").some((it) => {
    const known = it.trim().replace(/^W\//, "");
    return known === "*" || known === `"${tag}"` || known === `"${tag}-br"` || known === `"${tag}-gzip"`;
  });
