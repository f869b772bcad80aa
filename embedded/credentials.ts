import { randomBytes } from "node:crypto";
import { readJson } from "./json-file.ts";
import { writePrivate } from "./private-file.ts";

/** What must outlive a start for the address of a server to stay the same. */
export interface Credentials {
  user: string;
  password: string;
  /** The port of the last start. */
  port: number | undefined;
}

export function newCredentials(): Credentials {
  return { user: "weft", password: randomBytes(24).toString("base64url"), port: undefined };
}

export function readCredentials(path: string): Credentials | undefined {
  const { user, password, port } = readJson(path) ?? {};
  if (typeof user !== "string" || typeof password !== "string") return undefined;
  return { user, password, port: typeof port === "number" ? port : undefined };
}

export function writeCredentials(path: string, credentials: Credentials): void {
  writePrivate(path, `${JSON.stringify(credentials)}\n`);
}
