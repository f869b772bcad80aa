import type { Exchange } from "./exchange.ts";

/** Answers GET and HEAD of one path that is no route of a contract. */
export type Page = (exchange: Exchange) => Promise<void> | void;

/** The page of a path, if there is one. */
export type FindPage = (path: string) => Page | undefined;

/** Looks in one place after the other. */
export const firstOf =
  (...places: readonly FindPage[]): FindPage =>
  (path) => {
    for (const place of places) {
      const page = place(path);
      if (page) return page;
    }
    return undefined;
  };
