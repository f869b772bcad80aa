import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Usage } from "../harness/orders.ts";
import type { Serving, World } from "./world.ts";

/** How long it has to end by itself. */
const patienceMs = 2000;

/** Starts a program that does as `go/process` says: a line for its address, then one for each that it is given. */
export async function serveGo(world: World, who: string, program: string, backend: string): Promise<Serving> {
  const { signal } = world;
  signal.throwIfAborted();
  const child = spawn(program, [backend], {
    stdio: ["pipe", "pipe", "inherit"],
    // The end of a round cuts off the requests that are under way: that is no news.
    env: { ...process.env, GRPC_GO_LOG_SEVERITY_LEVEL: "fatal" },
  });
  const waiting: PromiseWithResolvers<string>[] = [];
  const gone = Promise.withResolvers<void>();
  let why: unknown;

  const kill = () => void child.kill("SIGKILL");
  const onAbort = () => {
    why = signal.reason;
    kill();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  const ended = (error: unknown) => {
    why ??= error;
    signal.removeEventListener("abort", onAbort);
    for (const { reject } of waiting.splice(0)) reject(why);
    gone.resolve();
  };
  child.once("error", (cause) => ended(new Error(`cannot run the ${who}`, { cause })));
  child.once("close", (code, killedBy) =>
    ended(new Error(`the ${who} ended by itself (${killedBy ?? `code ${code}`})`)),
  );
  // Its end is told by "close".
  child.stdin.on("error", () => {});
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(line));
  const nextLine = () => {
    if (why !== undefined) return Promise.reject(why);
    const line = Promise.withResolvers<string>();
    waiting.push(line);
    return line.promise;
  };

  world.defer(async () => {
    const forced = setTimeout(kill, patienceMs);
    child.stdin.end();
    await gone.promise;
    clearTimeout(forced);
  });
  return {
    address: await nextLine(),
    async usage() {
      const line = nextLine();
      child.stdin.write("\n");
      return JSON.parse(await line) as Usage;
    },
  };
}
