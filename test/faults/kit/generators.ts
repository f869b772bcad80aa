import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { GeneratorOptions, Round, RoundResult } from "./generator-talk.ts";

export interface Generator extends AsyncDisposable {
  play(round: Round): Promise<RoundResult>;
}

const program = fileURLToPath(new URL("./generator.ts", import.meta.url));

export async function startGenerator(options: GeneratorOptions): Promise<Generator> {
  const child = fork(program, [JSON.stringify(options)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const gone = once(child, "exit");
  await Promise.race([
    once(child, "message"),
    gone.then(() => Promise.reject(new Error("the generator did not start"))),
  ]);
  return {
    async play(round) {
      const answer = once(child, "message") as Promise<[RoundResult]>;
      child.send(round);
      const [result] = await answer;
      return result;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
