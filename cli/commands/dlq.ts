import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { openDeadLetters } from "#mesh/dead-letters/dead-letters.ts";
import { withBroker } from "../broker.ts";
import type { Command, Invocation } from "../command.ts";
import { usageError } from "../command.ts";
import { confirmed } from "../confirm.ts";
import type { Desk } from "../dead-letters/deal.ts";
import { createDesk } from "../dead-letters/deal.ts";
import { letterIdOf } from "../dead-letters/letter.ts";
import { listAll, listLetters } from "../dead-letters/list.ts";
import { formatLetter, formatLetters } from "../dead-letters/show.ts";
import { doEach } from "../each.ts";
import { createTypes } from "../events/message-types.ts";
import { countOf, nextPage, runPart, textOf } from "../parts.ts";
import { readObject } from "../read-object.ts";
import { note, paint, print, printJson } from "../terminal.ts";

const filterFlags = ["service", "consumer"];

export const dlq: Command = {
  name: "dlq",
  summary: "Events and jobs that failed for good: list, show, replay, drop",
  usage: `ls [--service <s>] [--consumer <c>] [-n <count>] [--page <page>] [--json]
       weft dlq show <id> [--json]
       weft dlq replay <id…> [--json]
       weft dlq replay <id> (--data <json> | --data-file <file>)
       weft dlq replay --all [--service <s>] [--consumer <c>]
       weft dlq drop (<id…> | --all [--service <s>] [--consumer <c>]) [--yes]

  <id>          as \`ls\` shows it; for a job its own id will do
  --service     only those that this service could not handle
  --consumer    only those of this consumer, or jobs of this queue
  -n, --limit   how many at most; default 50
  --page        go on where a list ended, as it says
  --all         all of them, or all that --service and --consumer leave
  --data        the message as JSON to be handled in its place; what is hidden in
                \`show\` may stay so and keeps what it had
  --data-file   the same from a file
  --yes         do not ask before more than one is dropped

A replayed event goes to the one consumer that failed, and to no other. Events
are read from NATS itself, whether services run or not; jobs by the queue service.`,
  flags: {
    service: { type: "string" },
    consumer: { type: "string" },
    limit: { type: "string", short: "n" },
    page: { type: "string" },
    all: { type: "boolean" },
    data: { type: "string" },
    "data-file": { type: "string" },
    yes: { type: "boolean", short: "y" },
  },
  run: (invocation) =>
    runPart(
      {
        command: dlq,
        usual: "ls",
        parts: {
          ls: { flags: [...filterFlags, "limit", "page"], run: list },
          show: { words: ["id"], run: show },
          replay: {
            words: ["id?"],
            most: 1000,
            flags: [...filterFlags, "all", "data", "data-file"],
            run: replay,
          },
          drop: { words: ["id?"], most: 1000, flags: [...filterFlags, "all", "yes"], run: drop },
        },
      },
      invocation,
    ),
};

function list({ flags, workspace }: Invocation): Promise<number> {
  const limit = countOf(flags, "limit", { command: dlq, fallback: 50, least: 1, most: 500 });
  return withBroker(workspace, async (nats) => {
    const events = openDeadLetters(nats);
    const page = textOf(flags, "page");
    const {
      letters,
      next,
      note: gap,
    } = await listLetters({
      ...filterOf(flags),
      workspace,
      events,
      page,
      limit,
    });
    if (flags.json) {
      printJson({ deadLetters: letters, next: next ?? null, ...(gap && { note: gap }) });
      return 0;
    }
    if (letters.length > 0) print(formatLetters(letters, new Date()));
    else print(page ? "No further ones." : "No dead letters.");
    if (next !== undefined) print(paint("dim", `\n  more: ${nextPage(dlq, flags, next)}`));
    if (gap) note(`${paint("yellow", "!")} ${gap}`);
    return 0;
  });
}

const show = (invocation: Invocation): Promise<number> =>
  atDesk(invocation, async (desk) => {
    const letter = await desk.show(letterIdOf(invocation.words[0] ?? ""));
    if (invocation.flags.json) printJson(letter);
    else print(formatLetter(letter, new Date()));
    return 0;
  });

const replay = (invocation: Invocation): Promise<number> =>
  atDesk(invocation, async (desk, idsOf) => {
    const { flags, words } = invocation;
    const edited = await readEdited(flags);
    if (edited && (flags.all || words.length !== 1)) {
      throw usageError("--data and --data-file are for one dead letter, named by its id", dlq);
    }
    const ids = await idsOf();
    if (ids.length === 0 && !flags.json) print("No dead letters to replay.");
    const work = (id: string) => desk.replay(id, edited);
    return doEach({ ids, done: "replayed", json: flags.json === true, work });
  });

const drop = (invocation: Invocation): Promise<number> =>
  atDesk(invocation, async (desk, idsOf) => {
    const { flags } = invocation;
    const ids = await idsOf();
    if (ids.length === 0 && !flags.json) print("No dead letters to drop.");
    if (ids.length > 1 && !flags.yes && !(await confirmed(`Drop ${ids.length} dead letters for good?`))) {
      print("Nothing was dropped.");
      return 1;
    }
    return doEach({ ids, done: "dropped", json: flags.json === true, work: desk.drop });
  });

type AtDesk = (desk: Desk, idsOf: () => Promise<readonly string[]>) => Promise<number>;

function atDesk({ flags, words, workspace }: Invocation, work: AtDesk): Promise<number> {
  if (flags.all && words.length > 0) throw usageError("name ids or say --all, not both", dlq);
  if (!flags.all && words.length === 0) throw usageError("name at least one id, or say --all", dlq);
  if (!flags.all && filterFlags.some((name) => name in flags)) {
    throw usageError("--service and --consumer go with --all", dlq);
  }
  return withBroker(workspace, async (nats) => {
    const events = openDeadLetters(nats);
    const find = createTypes({ gen: join(workspace.root, "gen"), nats });
    return work(createDesk({ workspace, events, find }), async () => {
      if (!flags.all) return [...new Set(words.map(letterIdOf))];
      const { ids, note: gap } = await listAll({ ...filterOf(flags), workspace, events });
      if (gap) note(`${paint("yellow", "!")} ${gap}`);
      return ids;
    });
  });
}

const filterOf = (flags: Invocation["flags"]) => ({
  service: textOf(flags, "service"),
  consumer: textOf(flags, "consumer"),
});

async function readEdited(flags: Invocation["flags"]): Promise<JsonObject | undefined> {
  const [text, file] = [textOf(flags, "data"), textOf(flags, "data-file")];
  if (text !== undefined && file !== undefined) throw usageError("--data or --data-file, not both", dlq);
  if (file !== undefined) return readObject(await readFile(file, "utf8"), file);
  return text === undefined ? undefined : readObject(text, "--data");
}
