import { spawn } from "node:child_process";
import { existsSync, realpathSync, rmSync, statfsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { Fault } from "./fault.mjs";

/** Runs `npm ci` in a folder under the given Node. Quiet unless it fails. */
export async function runNpm({ node, cwd, lock }) {
  const npm = findNpm();
  // Nobody's install scripts run; what is in npm's cache needs no network.
  const args = [
    npm,
    "ci",
    "--ignore-scripts",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-progress",
  ];
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` };
  // Else NODE_ENV=production would leave half of the packages out, and each start would try again.
  delete env.NODE_ENV;
  const child = spawn(node, [...args, "--include=dev", "--include=optional"], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
  });
  // Should we be killed, npm goes on: the next start must wait for it.
  lock.alsoHeldBy(child.pid);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output = (output + text).slice(-20_000);
    });
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...ending) => resolve(ending));
  });
  if (code !== 0) throw explain(output, signal ?? `code ${code}`);
  mustHaveRoom(cwd);
}

/** npm ends well even when the disk filled up under it, and leaves files cut short. */
function mustHaveRoom(cwd) {
  const { bavail, bsize } = statfsSync(cwd);
  if (bavail * bsize > 1_000_000) return;
  // Without this file the tree counts as half-made, and is made again.
  rmSync(join(cwd, "node_modules", ".package-lock.json"), { force: true });
  throw new Fault(`the disk that holds ${cwd} is full`, "make room and start again");
}

/** npm's own program: of the npm that runs us, of this Node, or of the one on PATH. */
function findNpm() {
  const bin = dirname(process.execPath);
  const cli = join("node_modules", "npm", "bin", "npm-cli.js");
  const places = [process.env.npm_execpath, join(bin, "..", "lib", cli), join(bin, cli)];
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(Boolean)) {
    places.push(join(folder, "npm"), join(folder, cli));
  }
  for (const place of places) {
    if (!place || !existsSync(place)) continue;
    const real = realpathSync(place);
    if (real.endsWith("npm-cli.js")) return real;
  }
  throw new Fault("npm is not found", "install it, or put the one that came with Node on PATH");
}

const explanations = [
  [
    /EINTEGRITY/,
    "a package is not what it should be",
    "clear npm's cache with `npm cache clean --force` and try again",
  ],
  [/ENOSPC/, "the disk is full", "make room and start again"],
  [
    /EACCES|EPERM|EROFS/,
    "npm may not write here",
    "start weft as the user who owns the checkout and npm's cache",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT/,
    "the npm registry cannot be reached",
    "check the network; behind a proxy set HTTPS_PROXY, and for a mirror `npm config set registry`",
  ],
];

function explain(output, ending) {
  const complaints = output
    .split("\n")
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!) ?/, ""));
  const said = complaints.slice(0, 6).join("\n      ");
  const known = explanations.find(([pattern]) => pattern.test(output));
  const [, what, remedy] = known ?? [
    undefined,
    `npm ci ended with ${ending}`,
    "run `npm ci` yourself to see more",
  ];
  return new Fault(what, `${remedy}${said ? `\n      ${said}` : ""}`);
}
