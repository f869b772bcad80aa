import { fail } from "#mesh/errors.ts";
import { uuidForm } from "#mesh/id.ts";

/** The id of a job, which may be given as that of its dead letter. */
export function jobIdOf(word: string): string {
  const id = word.replace(/^job\./, "");
  if (uuidForm.test(id)) return id;
  throw fail.invalid("bad_job_id", `"${word}" is no id of a job`, { remedy: "`weft jobs ls` shows ids" });
}
