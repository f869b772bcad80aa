import { readFileSync } from "node:fs";
import { fail } from "../errors.ts";
import type { ConfigOf, Field, Fields } from "./fields.ts";
import { BadValue } from "./fields.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables from the environment and says everything that is wrong with
 * them at once. An empty variable counts as unset, as it does in compose files.
 * A secret may stand in a file that `<NAME>_FILE` names, as orchestrators give it.
 */
export function readConfig<F extends Fields>(fields: F, env: Environment): ConfigOf<F> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = given(name, field, env, problems) || field.fallback;
    if (value === undefined) {
      problems.push(`${name} is not set: ${field.description}`);
      continue;
    }
    try {
      values[name] = field.parse(value);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems.push(`${name} ${error.message}${field.secret ? "" : `, not "${value}"`}`);
    }
  }
  if (problems.length > 0) {
    throw fail.precondition("bad_configuration", `configuration: ${problems.join("; ")}`, {
      remedy: "see .env.example for every variable",
    });
  }
  return values as ConfigOf<F>;
}

function given(
  name: string,
  { secret }: Field<unknown>,
  env: Environment,
  problems: string[],
): string | undefined {
  const file = secret && !env[name] ? env[`${name}_FILE`] : undefined;
  if (!file) return env[name];
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    problems.push(`${name}_FILE cannot be read: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
