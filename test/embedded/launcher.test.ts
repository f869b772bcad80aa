import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { markOf } from "../../embedded/process/identity.ts";
import type { Checkout } from "./checkout.ts";
import { launch, launchInBackground, npm, olderNode, providePinnedNode, smallCheckout } from "./checkout.ts";

const ourNode = process.execPath;
const longEnough = { timeout: 15_000, interval: 50 };
const waits = `
console.log(process.pid);
process.on("SIGTERM", () => { console.log("asked to stop"); process.exit(7); });
process.on("disconnect", () => { console.log("launcher gone"); process.exit(8); });
setInterval(() => {}, 1000);
`;

test("a fresh checkout installs itself, telling so on stderr only, and runs the command", () => {
  const checkout = smallCheckout();
  const { status, stdout, stderr } = launch(checkout, ourNode, "5", "--help", "two words");
  expect(JSON.parse(stdout)).toMatchObject({
    args: ["5", "--help", "two words"],
    word: "woven",
    version: process.version,
    root: checkout.root,
  });
  expect(status).toBe(5);
  expect(stderr).toMatch(/^weft: installing the dependencies \(once\) \.\.\.\n.*done in \d+ s\n$/);
}, 60_000);

test("a warm start says nothing of its own, from any folder and through a symbolic link", () => {
  const checkout = smallCheckout();
  launch(checkout, ourNode);
  const link = join(dirname(checkout.root), "weft");
  symlinkSync(checkout.launcher, link);
  const { stdout, stderr } = launch({ ...checkout, launcher: link }, ourNode);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ word: "woven", root: checkout.root, cwd: process.cwd() });
}, 60_000);

describe("dependencies", () => {
  const installs = (checkout: Checkout) =>
    launch(checkout, ourNode).stderr.includes("installing the dependencies");

  test("that the user installed himself are taken as they are", () => {
    const checkout = smallCheckout();
    npm(checkout.root, checkout.environment, "ci");
    expect(installs(checkout)).toBe(false);
  }, 60_000);

  test("are installed again when the lock file has changed", () => {
    const checkout = smallCheckout();
    launch(checkout, ourNode);
    // Another version of the same name, as after `git pull`.
    writeFileSync(join(checkout.root, "dependency.tgz"), "");
    const lock = join(checkout.root, "package-lock.json");
    const packages = { "node_modules/dependency": { version: "2.0.0", resolved: "file:dependency.tgz" } };
    writeFileSync(lock, JSON.stringify({ lockfileVersion: 3, packages }));
    const { status, stderr } = launch(checkout, ourNode);
    expect(stderr).toMatch(/installing the dependencies/);
    expect(status).toBe(1);
  }, 60_000);

  test("are installed again when node_modules was removed, or left half-made", () => {
    const checkout = smallCheckout();
    launch(checkout, ourNode);
    rmSync(join(checkout.root, "node_modules"), { recursive: true });
    expect(installs(checkout)).toBe(true);
    rmSync(join(checkout.root, "node_modules", ".package-lock.json"));
    expect(installs(checkout)).toBe(true);
    expect(installs(checkout)).toBe(false);
  }, 60_000);

  test("are completed when a package the lock file names is missing", () => {
    const checkout = smallCheckout();
    npm(checkout.root, checkout.environment, "ci");
    rmSync(join(checkout.root, "node_modules", "dependency"), { recursive: true });
    expect(installs(checkout)).toBe(true);
  }, 60_000);
});

test("a failed installation says what failed and what to do, and a later start tries again", () => {
  const checkout = smallCheckout();
  const archive = join(checkout.root, "dependency.tgz");
  renameSync(archive, `${archive}.away`);
  // An empty cache, for npm would find the archive's content in the one it has.
  const environment = { ...checkout.environment, npm_config_cache: join(checkout.root, "empty cache") };
  const { status, stdout, stderr } = launch({ ...checkout, environment }, ourNode);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^weft: npm ci ended with code \d+; run `npm ci` yourself to see more\n/m);
  renameSync(`${archive}.away`, archive);
  expect(launch(checkout, ourNode).status).toBe(0);
}, 60_000);

test("two starts in a fresh checkout install once; the second waits and then runs too", async () => {
  const checkout = smallCheckout();
  const both = [launchInBackground(checkout, ourNode), launchInBackground(checkout, ourNode)];
  const outcomes = await Promise.all(both.map(({ ended }) => ended));
  expect(outcomes.map(({ status }) => status)).toEqual([0, 0]);
  const said = outcomes.map(({ stderr }) => stderr).join("");
  expect(said.match(/installing the dependencies \(once\)/g)?.length).toBe(1);
  expect(said).toMatch(/another start \(pid \d+\) is setting up this checkout; waiting for it/);
}, 60_000);

test("the lock of a launcher that was killed does not stop the next start", () => {
  const checkout = smallCheckout();
  mkdirSync(join(checkout.root, ".weft"));
  const stale = [{ pid: process.ppid, started: "long before" }];
  writeFileSync(join(checkout.root, ".weft", "setup.lock"), JSON.stringify(stale));
  expect(launch(checkout, ourNode).status).toBe(0);
}, 60_000);

test("a checkout without its command says so in one line", () => {
  const checkout = smallCheckout();
  rmSync(join(checkout.root, "cli"), { recursive: true });
  const { status, stderr } = launch(checkout, ourNode);
  expect([status, stderr]).toEqual([
    1,
    `weft: ${join(checkout.root, "cli", "main.ts")} is missing; clone the repository again\n`,
  ]);
}, 60_000);

describe.runIf(olderNode)("under an older Node", () => {
  const oldNode = olderNode ?? "";

  function warmCheckout(command?: string): Checkout {
    const checkout = smallCheckout(command);
    providePinnedNode(checkout);
    npm(checkout.root, checkout.environment, "ci");
    return checkout;
  }

  test("the command runs under the pinned one, with its arguments, exit code and nothing else said", () => {
    const { status, stdout, stderr } = launch(warmCheckout(), oldNode, "9", "two words");
    expect([status, stderr]).toEqual([9, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      args: ["9", "two words"],
      version: process.version,
      word: "woven",
    });
  }, 60_000);

  test("the dependencies are installed under the pinned one", () => {
    const checkout = smallCheckout();
    providePinnedNode(checkout);
    expect(JSON.parse(launch(checkout, oldNode).stdout)).toMatchObject({ word: "woven" });
  }, 60_000);

  async function running() {
    const launched = launchInBackground(warmCheckout(waits), oldNode);
    await vi.waitFor(() => expect(launched.outcome.stdout).toMatch(/^\d+\n/), longEnough);
    return { ...launched, pid: Number.parseInt(launched.outcome.stdout, 10) };
  }

  test("a signal to the launcher reaches the command, whose exit code is the launcher's", async () => {
    const { child, ended } = await running();
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ status: 7, stdout: expect.stringContaining("asked to stop") });
  }, 60_000);

  test("a command that dies of a signal makes the launcher die of the same", async () => {
    const { ended, pid } = await running();
    process.kill(pid, "SIGKILL");
    expect(await ended).toMatchObject({ status: null, signal: "SIGKILL" });
  }, 60_000);

  test("a command whose launcher is killed notices and ends", async () => {
    const { child, pid, outcome } = await running();
    child.kill("SIGKILL");
    await vi.waitFor(() => expect(markOf(pid)).toBeUndefined(), longEnough);
    expect(outcome.stdout).toContain("launcher gone");
  }, 60_000);
});
