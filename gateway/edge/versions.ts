import { fail } from "#mesh";

/** What an unversioned path under `/api/` means when nothing else is said. */
export const usualVersion = "v1";

const prefix = "/api/";
const versionForm = /^v[1-9][0-9]{0,3}$/;

/**
 * The path with its version in it: `/api/orders` is `/api/v1/orders`, or what
 * the header `API-Version` names. Throws for a version that nothing is served in.
 */
export function versionedPath(
  path: string,
  header: string | undefined,
  versions: ReadonlySet<string>,
): string {
  if (!path.startsWith(prefix)) return path;
  const end = path.indexOf("/", prefix.length);
  const first = path.slice(prefix.length, end < 0 ? path.length : end);
  if (isVersion(first)) {
    if (!versions.has(first)) throw unsupported(first, versions);
    return path;
  }
  const version = header?.trim() || usualVersion;
  if (!versions.has(version)) throw unsupported(version, versions);
  return `${prefix}${version}/${path.slice(prefix.length)}`;
}

/** The version that a route's path has, if it has one. */
export function versionOf(path: string): string | undefined {
  const [, api, version = ""] = path.split("/", 3);
  return api === "api" && isVersion(version) ? version : undefined;
}

const isVersion = (text: string): boolean => text.charCodeAt(0) === 118 && versionForm.test(text);

const unsupported = (version: string, versions: ReadonlySet<string>) =>
  fail.invalid("unsupported_api_version", `Unsupported API version ${JSON.stringify(version.slice(0, 20))}`, {
    remedy: `there are ${[...versions].sort().join(", ")}`,
  });
