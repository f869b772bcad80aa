import { createInterface } from "node:readline/promises";
import { fail } from "#mesh/errors.ts";

/** Asks a person before something that cannot be undone; throws where nobody is there to ask. */
export async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw fail.precondition("not_confirmed", "nobody is there to ask", {
      remedy: "add --yes to go on without asking",
    });
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question(`${question} [y/N] `);
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}
