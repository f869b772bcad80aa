import { execFileSync } from "node:child_process";
import { delimiter, join } from "node:path";

export const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules", ".bin");

/** Runs the installed `buf`, where it finds the installed plugins. Throws when it fails. */
export function buf(args: readonly string[], cwd: string = root): void {
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
  execFileSync(join(bin, "buf"), [...args], { cwd, env, stdio: "inherit" });
}
