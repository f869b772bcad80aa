import { spawn } from "node:child_process";

export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
}

/** Runs a program with our terminal; resolves to its exit code. */
export function run(program: string, args: readonly string[], { cwd, env }: RunOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd, env: { ...process.env, ...env }, stdio: "inherit" });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
