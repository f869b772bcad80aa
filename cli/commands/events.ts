import { join } from "node:path";
import { isEventSubject } from "#mesh/events/contract/subject.ts";
import { withBroker } from "../broker.ts";
import type { Command, Invocation } from "../command.ts";
import { usageError } from "../command.ts";
import { eventAsJson, formatEvent } from "../events/event-line.ts";
import { createTypes } from "../events/message-types.ts";
import { showPayload } from "../events/payload.ts";
import { parseSince } from "../events/since.ts";
import { tail } from "../events/tail.ts";
import { countOf, runPart, textOf } from "../parts.ts";
import { untilSignal } from "../signals.ts";
import { note, paint, print, printJsonLine, readerGone } from "../terminal.ts";

export const events: Command = {
  name: "events",
  summary: "Show events as they are published",
  usage: `tail [subject] [-n <count>] [--from <time>] [--no-follow] [--json]

  [subject]     such as order.created; * stands for one part and > for all that
                follow: 'order.*', 'order.>' (quote them). Default: all events
  -n, --last    how many of those that are there to begin with; default 10, and
                all with --from
  --from        begin with those since then: 10m ago, today at 14:30, or
                2026-01-31T14:30Z
  --no-follow   end behind those that are there
  --json        one object a line

Each line: time, subject, key, service, id, and the message as JSON; what its
contract marks as personal is hidden. Reads beside consumers, who notice nothing.
NATS_URL and WEFT_NAMESPACE name the broker of another platform.`,
  flags: {
    last: { type: "string", short: "n" },
    from: { type: "string" },
    "no-follow": { type: "boolean" },
  },
  run: (invocation) =>
    runPart(
      {
        command: events,
        parts: { tail: { words: ["subject?"], flags: ["last", "from", "no-follow"], run: tailEvents } },
      },
      invocation,
    ),
};

const usualCount = 10;
/** They are kept until all streams were read, to be shown in order. */
const mostLast = 10_000;

async function tailEvents({ words, flags, workspace }: Invocation): Promise<number> {
  const [subject = ">"] = words;
  if (!isEventSubject(subject)) throw usageError(`"${subject}" cannot be the subject of events`, events);
  const from = textOf(flags, "from");
  const since = from === undefined ? undefined : parseSince(from, Date.now());
  if (from !== undefined && !since) throw usageError(`--from "${from}" is no time`, events);
  const wanted = countOf(flags, "last", { command: events, fallback: usualCount, most: mostLast });
  const last = from !== undefined && flags.last === undefined ? undefined : wanted;
  const follow = flags["no-follow"] !== true;

  const ending = new AbortController();
  const over = Promise.race(follow ? [untilSignal(), readerGone] : [readerGone]).then(() => ending.abort());
  return withBroker(workspace, async (nats) => {
    const find = createTypes({ gen: join(workspace.root, "gen"), nats });
    let count = 0;
    const tailing = tail({
      nats,
      subject,
      since,
      last,
      follow,
      ending: ending.signal,
      show: async (event) => {
        count++;
        const shown = await showPayload(find, event.type, event.data);
        if (flags.json) printJsonLine(eventAsJson(event, shown));
        else print(formatEvent(event, shown, new Date()));
      },
      tell: (text) => note(`${paint("yellow", "!")} ${text}`),
    });
    await Promise.race([tailing, over]);
    // Who asks for none learns nothing of those that are there.
    if (count === 0 && !follow && last !== 0) note(nothingKept(subject, since));
    return 0;
  });
}

const nothingKept = (subject: string, since: Date | undefined): string =>
  `No events of ${subject === ">" ? "any kind" : subject} are kept${since ? ` since ${since.toISOString()}` : ""}.`;
