import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { algorithm } from "../../mesh/identity/tokens.ts";

/** The issuer of a benchmark believes who calls; a key is needed all the same. */
export async function makeKey(folder: string): Promise<void> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "key.json"), JSON.stringify(await exportJWK(privateKey)), { mode: 0o600 });
}
