import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Platform } from "../gateway/kit/platform.ts";
import { register, startPlatform } from "../gateway/kit/platform.ts";
import { inBrowser, openChromium } from "./kit/chromium.ts";
import type { Visit } from "./kit/visit.ts";
import { visit } from "./kit/visit.ts";

inBrowser("the page of the docs, in a browser", () => {
  const started = new AsyncDisposableStack();
  let browser: Browser;
  let platform: Platform;
  let docs: Visit;

  beforeAll(async () => {
    browser = started.adopt(await openChromium(), (it) => it.close());
    platform = started.use(await startPlatform());
    docs = started.use(await visit(browser, `${platform.url}/api/docs`));
  }, 60_000);
  afterAll(() => started.disposeAsync());

  /** Opens an operation by what its line says, unless it is open. */
  const opened = async (verb: string, path: string): Promise<Locator> => {
    const operation = docs.page
      .locator(`.opblock-${verb}`)
      .filter({ has: docs.page.locator(`[data-path="${path}"]`) });
    const line = operation.locator(".opblock-summary-control");
    if ((await line.getAttribute("aria-expanded")) === "false") await line.click();
    return operation;
  };
  /** The status and the body that an operation was answered with. */
  const tried = async (operation: Locator) => {
    await operation.getByRole("button", { name: "Execute" }).click();
    const live = operation.locator(".live-responses-table .response");
    return {
      status: await live.locator(".response-col_status").innerText(),
      body: await live.locator(".response-col_description").innerText(),
    };
  };

  test("lists every operation there is", async () => {
    await docs.page.locator(".opblock").first().waitFor();
    const shown = await docs.page
      .locator(".opblock-summary-path")
      .evaluateAll((all) => all.map((it) => it.getAttribute("data-path")));
    const document = (await (await fetch(`${platform.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const paths = Object.entries(document.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs)
        .filter((it) => it !== "parameters")
        .map(() => path),
    );
    expect(shown.toSorted()).toEqual(paths.toSorted());
    expect(shown).toEqual(expect.arrayContaining(["/gateway/services", "/api/v1/users/profile"]));
  });

  test("tries a public operation out", async () => {
    const { status, body } = await tried(await opened("get", "/gateway/services"));
    expect(status).toContain("200");
    expect(body).toContain('"success": true');
  });

  test("tries an operation out as the user whose token it is given", async () => {
    const operation = await opened("get", "/api/v1/users/profile");
    expect((await tried(operation)).status).toContain("401");
    const { body } = await register(platform.url, "ada@example.com");
    const { page } = docs;
    await page.locator(".auth-wrapper .authorize").first().click();
    await page.locator(".auth-container input").fill(body.data.session.access_token);
    await page.locator(".modal-ux").getByRole("button", { name: "Apply credentials" }).click();
    await page.locator(".modal-ux .close-modal").click();
    await operation.getByRole("button", { name: "Clear" }).click();
    const answer = await tried(operation);
    expect(answer.status).toContain("200");
    expect(answer.body).toContain("ada@example.com");
  });

  test("asks nothing of other sites, and nothing in it is against its policy", () => {
    expect(docs.sent).toEqual([]);
    // Chromium says so of the answer above that was 401.
    expect(docs.complaints.filter((it) => !it.includes("status of 401"))).toEqual([]);
  });
});
