import { existsSync } from "node:fs";
import { join } from "node:path";

/** Holds the installed tree every package that the lock file asks for on this system, in that version? */
export function treeMatches(root, lockText, installedText) {
  const wanted = packagesOf(lockText);
  const installed = packagesOf(installedText);
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "" || (entry.optional && !fitsHere(entry))) return true;
    const found = installed[path];
    if (!found || found.version !== entry.version || found.integrity !== entry.integrity) return false;
    return existsSync(join(root, path));
  });
}

function packagesOf(text) {
  try {
    return JSON.parse(text).packages;
  } catch {
    return undefined;
  }
}

function fitsHere({ os, cpu, libc }) {
  return allows(os, process.platform) && allows(cpu, process.arch) && (!libc || allows(libc, ourLibc()));
}

/** As in package.json: a list of names, or of names with `!` before them. */
function allows(list, name) {
  if (!list) return true;
  if (list.includes(`!${name}`)) return false;
  return list.includes(name) || list.every((item) => item.startsWith("!"));
}

let libcName;

function ourLibc() {
  if (process.platform !== "linux") return "";
  if (libcName === undefined) {
    // Else the report asks the network for names.
    process.report.excludeNetwork = true;
    libcName = process.report.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
  }
  return libcName;
}
