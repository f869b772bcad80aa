import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import type { Database } from "#mesh";
import { createLogger, reasonOf } from "#mesh";
import { collectLogs } from "#mesh/testing/logs.ts";
import { createKeyring } from "./keyring.ts";
import { newSigningKey } from "./signing-key.ts";
import type { SigningKeyRow } from "./signing-keys-store.ts";

const rowKeys = { encryption: randomBytes(32), seal: randomBytes(32) };
const row = (more: Partial<SigningKeyRow> = {}): SigningKeyRow => ({
  ...newSigningKey(rowKeys, new Date(0), 1000),
  state: "active",
  ...more,
});

function ring(rows: SigningKeyRow[]) {
  const logs = collectLogs();
  const log = createLogger({ service: "test", level: "info", contracts: [], destination: logs });
  const db = { sql: () => Promise.resolve(rows) } as unknown as Database;
  return {
    logs,
    ring: createKeyring({ db, rowKeys, rotationMs: 1e6, longestLifeMs: 1000, log, now: () => 0 }),
  };
}

test("a keyring of its own keys is well", async () => {
  const { ring: keys, logs } = ring([row()]);
  await keys.check();
  expect(logs.text).toBe("");
});

test("a row that somebody else wrote is left out, logged as an error, and makes the check fail", async () => {
  const ours = row();
  const theirs = row({ kid: "theirs", state: "next" });
  const { ring: keys, logs } = ring([ours, theirs]);
  const failed = await keys.check().then(
    () => "",
    (error: unknown) => reasonOf(error),
  );
  expect(failed).toBe("foreign_signing_key");
  expect((await keys.published()).map(({ kid }) => kid)).toEqual([ours.kid]);
  expect(await keys.verifier("theirs")).toBeUndefined();
  expect((await keys.signer()).kid).toBe(ours.kid);
  expect(logs.lines).toMatchObject([{ kids: "theirs" }]);
});

test("a seal holds for one key id and one public key", async () => {
  const [one, other] = [row(), row()];
  for (const changed of [
    { ...one, publicKey: other.publicKey },
    { ...one, seal: other.seal },
  ]) {
    const { ring: keys } = ring([changed]);
    await expect(keys.signer()).rejects.toThrow(/no active signing key/);
  }
});
