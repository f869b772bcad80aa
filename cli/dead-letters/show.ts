import { firstLine, harmless } from "../harmless.ts";
import { fields, paint, table } from "../terminal.ts";
import { ageOf } from "../time.ts";
import type { Letter } from "./letter.ts";

/** Some of them, a line each. */
export function formatLetters(letters: readonly Letter[], now: Date): string {
  const rows = letters.map(({ id, kind, lastFailedAt, attempts, error }) => [
    harmless(id),
    kind,
    ageOf(lastFailedAt, now),
    String(attempts),
    firstLine(error),
  ]);
  return table(["id", "kind", "failed", "attempts", "error"], rows);
}

/** All there is of one. */
export function formatLetter(letter: Letter, now: Date): string {
  const when = (time: Date | undefined) => (time ? `${time.toISOString()} (${ageOf(time, now)})` : "");
  const head = fields([
    ["id", letter.id],
    ["kind", letter.kind],
    ["service", letter.service],
    [letter.kind === "job" ? "queue" : "consumer", letter.consumer],
    ["subject", letter.subject],
    ["type", letter.type],
    ["key", letter.key],
    ["attempts", String(letter.attempts)],
    ["first failed", when(letter.firstFailedAt)],
    ["last failed", when(letter.lastFailedAt)],
    ["correlation", letter.correlationId],
    ["trace", letter.traceparent],
  ]);
  const payload = letter.payload ? JSON.stringify(letter.payload, null, 2) : (letter.problem ?? "");
  return [
    head,
    section("error", letter.error),
    // It begins with the error, mostly.
    section("stack", letter.stack.replace(/^[^\n]*\n(?=\s+at )/, "")),
    section("payload", payload),
  ]
    .filter(Boolean)
    .join("\n\n");
}

const section = (title: string, text: string): string =>
  text.trim() === "" ? "" : `${paint("dim", title)}\n${harmless(text.trimEnd(), "\n")}`;
