import { readFileSync } from "node:fs";
import { EmbeddedError, errnoOf, fromSystem, mendData } from "./errors.ts";

/** The object in a JSON file; undefined when there is no such file. */
export function readJson(path: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw fromSystem(error, path);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return { ...value };
  } catch {
    // Told below, as for JSON that is not an object.
  }
  throw new EmbeddedError("data_corrupt", `${path} is not readable as JSON`, { remedy: mendData });
}
