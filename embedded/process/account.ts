import { readFileSync, statSync } from "node:fs";
import { EmbeddedError } from "../errors.ts";

export interface Account {
  uid: number;
  gid: number;
}

/**
 * Who PostgreSQL runs as when we are root, which it refuses to be: whoever
 * owns the data already, so that root and that user can take turns; else
 * `postgres`, else `nobody`. Undefined when we are not root.
 */
export function unprivilegedAccount(folders: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = accounts();
  const account = ownerOf(folders) ?? known.get("postgres") ?? known.get("nobody");
  if (account) return account;
  throw new EmbeddedError("root_refused", "PostgreSQL does not run as root, and there is no user `nobody`", {
    remedy: "start weft as a normal user, or set DATABASE_URL",
  });
}

/** The user who owns the first of these folders that is not root's. */
export function ownerOf(folders: readonly string[]): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  // initdb refuses a uid without a name.
  const named = new Set([...accounts().values()].map(({ uid }) => uid));
  for (const folder of folders) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat && stat.uid !== 0 && named.has(stat.uid)) return { uid: stat.uid, gid: stat.gid };
  }
  return undefined;
}

function accounts(): Map<string, Account> {
  const found = new Map<string, Account>();
  for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
    const [name, , uid, gid] = line.split(":");
    // macOS writes nobody's -2 where setuid wants 4294967294.
    if (name && uid && gid) found.set(name, { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 });
  }
  return found;
}
