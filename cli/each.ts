import { reasonOf } from "#mesh/errors.ts";
import { harmless } from "./harmless.ts";
import { messageOf } from "./message.ts";
import { note, paint, print, printJson } from "./terminal.ts";

export interface EachOptions {
  readonly ids: readonly string[];
  /** What was done to those that it worked for, such as `replayed`. */
  readonly done: string;
  readonly json: boolean;
  readonly work: (id: string) => Promise<unknown>;
}

/** Does the same to each; one that fails holds up no other. Resolves to the exit code. */
export async function doEach({ ids, done, json, work }: EachOptions): Promise<number> {
  const good: string[] = [];
  const bad: { id: string; error: string; reason: string }[] = [];
  for (const id of ids) {
    try {
      await work(id);
      good.push(id);
      if (!json) print(`${harmless(id)} ${done}`);
    } catch (error) {
      bad.push({ id, error: messageOf(error), reason: reasonOf(error) });
      if (!json) note(`${paint("red", "weft:")} ${harmless(about(id, messageOf(error)))}`);
    }
  }
  if (json) printJson({ [done]: good, failed: bad });
  else if (ids.length > 1) print(`${good.length} ${done}${bad.length > 0 ? `, ${bad.length} not` : ""}.`);
  return bad.length > 0 ? 1 : 0;
}

/** With the id that it is about, once. */
const about = (id: string, said: string): string => (said.includes(id) ? said : `${id}: ${said}`);
