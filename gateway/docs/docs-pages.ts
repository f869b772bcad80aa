import { version } from "#mesh";
import { chooseCoding } from "../edge/accept.ts";
import { etagOf, hasIt } from "../edge/conditional.ts";
import type { Exchange } from "../edge/exchange.ts";
import { jsonType } from "../edge/exchange.ts";
import type { FindPage } from "../edge/pages.ts";
import type { Binding } from "../routing/binding.ts";
import { buildOpenApi } from "./openapi.ts";
import { docsRoutes } from "./page.ts";

export interface DocsPagesOptions {
  readonly title: string;
  /** What is served now; the same array for as long as nothing changed. */
  readonly bindings: () => readonly Binding[];
}

const documentPath = "/openapi.json";

/** The API's description for tools, and the page that shows it. */
export function docsPages({ title, bindings }: DocsPagesOptions): FindPage {
  const routes = docsRoutes({ title, documentUrl: documentPath });
  const paths = new Set(routes.paths);
  let latest: { of: readonly Binding[]; text: Promise<string> } | undefined;

  const document = () => {
    const of = bindings();
    if (latest?.of !== of) {
      const built = buildOpenApi({ bindings: of, title, version }, Date.now);
      latest = { of, text: built.then((it) => JSON.stringify(it)) };
    }
    return latest.text;
  };
  const sendDocument = async (exchange: Exchange) => {
    const text = await document();
    const etag = etagOf(text);
    const more = ["etag", etag, "cache-control", "no-cache"];
    if (hasIt(exchange.header("if-none-match"), etag)) exchange.notModified(more);
    else await exchange.sendText(200, jsonType, text, more);
  };
  const sendAsset = (path: string) => (exchange: Exchange) => {
    const encoding = chooseCoding(exchange.header("accept-encoding"), ["br", "gzip"]);
    const ifNoneMatch = exchange.header("if-none-match");
    const asset = routes.asset(path, { ...(encoding && { encoding }), ...(ifNoneMatch && { ifNoneMatch }) });
    if (asset) exchange.sendPage(asset.status, Object.entries(asset.headers).flat(), asset.body);
  };

  return (path) => {
    if (path === documentPath) return sendDocument;
    return paths.has(path) ? sendAsset(path) : undefined;
  };
}
