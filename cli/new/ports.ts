import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * The ports that the contracts of a checkout name. Read as text: a service that
 * does not load just now, or has no more than its contract, keeps its port.
 */
export async function portsOfContracts(folder: string): Promise<number[]> {
  const files = await readdir(folder, { recursive: true });
  const contracts = files.filter((file) => file.endsWith(".proto"));
  const texts = await Promise.all(contracts.map((file) => readFile(join(folder, file), "utf8")));
  return [...new Set(texts.flatMap(portsIn))];
}

/** Those in `option (mesh.v1.service)`, in either form. */
export function portsIn(contract: string): number[] {
  const code = contract.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, "");
  const options = code.matchAll(/\boption\s*\(\s*mesh\.v1\.service\s*\)([^{;]*(?:\{[^}]*\})?)/g);
  return Array.from(options, ([, body = ""]) => /\bport\s*[:=]\s*(\d+)/.exec(body)?.[1])
    .filter((port) => port !== undefined)
    .map(Number);
}
