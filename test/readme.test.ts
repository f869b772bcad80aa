import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands } from "../cli/commands/index.ts";
import { Checkout } from "./cli/platform.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

test("the README names only commands that exist", () => {
  const named = [...readme.matchAll(/(?:npx weft|`weft) ([a-z]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(5);
  for (const name of named) if (name !== "help") expect(Object.keys(commands)).toContain(name);
});

test("the README's links lead to pages that are there, and nothing in it waits to be written", () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = ""]) => link);
  expect(links.length).toBeGreaterThan(8);
  expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  expect(readme).not.toMatch(/^[A-Z]{4,}$/m);
});

describe("on a platform that runs", () => {
  let checkout: Checkout;
  let gateway: string;
  beforeAll(async () => {
    checkout = await Checkout.prepared();
    gateway = (await checkout.up()).url("gateway");
  }, 60_000);
  afterAll(() => checkout?.[Symbol.asyncDispose]());
  const here = (text: string) => text.replaceAll("http://localhost:8000", gateway);

  test("the README's calls work as they are written", { timeout: 60_000 }, async () => {
    const [, curl = ""] = /```sh\n(curl [\s\S]*?)```/.exec(readme) ?? [];
    const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const registered = await promisify(execFile)("bash", ["-c", here(curl)]);
    expect(JSON.parse(registered.stdout)).toHaveProperty("data.session.access_token");

    // Inside the checkout, where `#gen` is known.
    const folder = join(root, ".weft", "readme");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${process.pid}.ts`);
    writeFileSync(file, here(code));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [file]);
      expect(stdout.trim()).toMatch(/^[0-9a-f-]{36}$/);
    } finally {
      rmSync(file);
    }
  });

  test("the README's gRPC tools learn all methods by reflection", { timeout: 60_000 }, async () => {
    const [, words = ""] = /npx (buf curl .*--list-methods)/.exec(readme) ?? [];
    const [program = "", ...args] = here(words).split(" ");
    const { stdout } = await promisify(execFile)(join(root, "node_modules", ".bin", program), args);
    for (const method of [
      "order.v1.OrderService/CreateOrder",
      "notification.v1.NotificationService/MarkRead",
    ]) {
      expect(stdout).toContain(method);
    }
  });

  test("the tour of the shop works as it is written", { timeout: 90_000 }, async () => {
    const page = readFileSync(join(root, "docs/commerce.md"), "utf8");
    const [, tour = ""] = /```sh\n(SELLER=[\s\S]*?)```/.exec(page) ?? [];
    const token = async (role: string) => (await checkout.run(["token", "--role", role])).stdout.trim();
    const tokens = { SELLER: await token("Seller"), BUYER: await token("Customer") };
    // They stand in for the first two lines, which ask the platform of this very checkout.
    const script = here(tour.split("\n").slice(2).join("\n"));
    const { stdout } = await promisify(execFile)("bash", ["-c", script], {
      env: { ...process.env, ...tokens },
      timeout: 60_000,
    });
    expect(stdout.trim().split("\n")).toEqual([
      "PAYMENT_STATUS_SUCCEEDED",
      "8",
      "3",
      "BROADCAST_STATUS_SCHEDULED",
      "1",
      "New pots",
      // By then the money may be back already.
      expect.stringMatching(/^ORDER_STATUS_CANCELL(ING|ED)$/),
      "37000",
      "37000",
    ]);
  });

  test("the demonstration of commerce fills the platform, and a second run adds nothing", {
    timeout: 90_000,
  }, async () => {
    const [first, second] = [
      await checkout.run(["demo", "commerce", "--json"]),
      await checkout.run(["demo", "commerce", "--json"]),
    ];
    expect(first, first.stdout).toMatchObject({ code: 0 });
    expect(JSON.parse(first.stdout)).toMatchObject({
      products: 7,
      orders: { shipped: 1, paid: 2, cancelled: 1, awaiting_payment: 2 },
      news: expect.toSatisfy((count: number) => count > 0),
      looks: 120,
    });
    expect(JSON.parse(second.stdout)).toEqual(JSON.parse(first.stdout));
  });
});
