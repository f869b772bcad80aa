import { fail } from "../errors.ts";
import type { ConfigOf, Fields } from "./fields.ts";
import { BadValue } from "./fields.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads variables from the environment and says everything that is wrong with
 * them at once. An empty variable counts as unset, as it does in compose files.
 */
export function readConfig<F extends Fields>(fields: F, env: Environment): ConfigOf<F> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = env[name] || field.fallback;
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
