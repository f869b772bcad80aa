import type { FindPage } from "../edge/pages.ts";

/** Whoever opens the address in a browser finds what there is. */
export const rootPage =
  (docsPath: string): FindPage =>
  (path) =>
    path === "/" ? (exchange) => exchange.redirect(docsPath) : undefined;
