import type { Browser, Page } from "playwright-core";
import type { App } from "../page/app.ts";

/** What is seen of a request that a page makes. */
export interface Seen {
  readonly verb: string;
  readonly url: string;
  readonly type: string | undefined;
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What the page sent to other places than its own, preflights aside. */
  readonly sent: readonly Seen[];
  /** What the browser complained of. */
  readonly complaints: readonly string[];
  /** Has the page's script do something. */
  run<Name extends keyof App>(name: Name, ...args: Parameters<App[Name]>): ReturnType<App[Name]>;
}

/** Opens a page in a window of its own, which shares nothing with others. */
export async function visit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { origin } = new URL(url);
  const sent: Seen[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => {
    if (new URL(request.url()).origin === origin) return;
    sent.push({ verb: request.method(), url: request.url(), type: request.headers()["content-type"] });
  });
  page.on("console", (line) => {
    if (line.type() === "error" || line.type() === "warning") complaints.push(line.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  try {
    await page.goto(url);
  } catch (error) {
    await context.close();
    throw error;
  }
  return {
    page,
    sent,
    complaints,
    run: (name, ...args) =>
      page.evaluate(
        ([method, given]) => {
          const { app } = globalThis as unknown as { app?: Record<string, (...all: unknown[]) => unknown> };
          if (!app) throw new Error("the page's script did not run");
          return app[method as string]?.(...(given as unknown[]));
        },
        [name, args],
      ) as never,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
