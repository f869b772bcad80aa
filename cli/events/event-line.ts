import { firstLine, harmless } from "../harmless.ts";
import { paint } from "../terminal.ts";
import type { Shown } from "./payload.ts";
import type { StoredEvent } from "./stored-event.ts";

/** One event for people, on one line. */
export function formatEvent(event: StoredEvent, shown: Shown, now: Date): string {
  const { subject, key, source, id, only, time } = event;
  const head = [
    paint("dim", timeOf(time, now)),
    paint("cyan", harmless(subject).padEnd(20)),
    harmless(key) || "-",
    paint("dim", `${harmless(source) || "?"} ${harmless(id) || "?"}`),
  ];
  if (only) head.push(paint("yellow", `again, for ${harmless(only)} alone`));
  const body = shown.json ? harmless(JSON.stringify(shown.json)) : paint("yellow", firstLine(shown.problem));
  return `${head.join("  ")}  ${body}`;
}

/** One event for programs. */
export function eventAsJson(event: StoredEvent, shown: Shown): object {
  const { data: _data, only, time, ...rest } = event;
  return {
    time: time.toISOString(),
    ...rest,
    ...(only && { for: only }),
    ...(shown.json ? { message: shown.json } : { problem: shown.problem }),
  };
}

/** Without the day when it is this one. */
function timeOf(time: Date, now: Date): string {
  const [day = "", clock = ""] = time.toISOString().slice(0, 23).split("T");
  return now.toISOString().startsWith(day) ? clock : `${day} ${clock}`;
}
