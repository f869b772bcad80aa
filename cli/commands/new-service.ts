import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fail } from "#mesh/errors.ts";
import type { Command } from "../command.ts";
import { usageError } from "../command.ts";
import { addToCompose } from "../new/compose.ts";
import type { NewService } from "../new/new-service.ts";
import { portsOfContracts } from "../new/ports.ts";
import { filesOf } from "../new/templates.ts";
import { run } from "../run.ts";
import { paint, print } from "../terminal.ts";

/** First port after those that the platform's own services have. */
const firstPort = 8016;
const reserved = new Set(["mesh", "gateway", "operator", "google", "grpc", "health", "buf", "test"]);

/** Words that the code of a service, or its contract, could not use as a name. */
const words =
  "await break case catch class const continue debugger default delete do double else enum export extends " +
  "false finally float for function if implements import in instanceof interface let map message new null " +
  "oneof option optional package private protected public repeated reserved return rpc service static " +
  "stream string super switch syntax this throw true try typeof var void while with yield";
const taken = new Set(words.split(" "));

export const newService: Command = {
  name: "new",
  summary: "Write the start of a new service: contract, handlers, migration, test",
  usage: `service <name> [--port <port>]

  <name>   lower case letters and digits, such as inventory
  --port   default: the next that no service has

What it writes works and passes \`npm test\` as it is; change it into what you need.`,
  flags: { port: { type: "string" } },
  run: async ({ words, flags, workspace }) => {
    const [kind, name] = words;
    if (kind !== "service" || !name) throw usageError("say `weft new service <name>`", newService);
    const port = choosePort(flags.port, await portsOfContracts(join(workspace.root, "proto")));
    const service: NewService = { name, title: titleOf(name), port };
    const files = filesOf(service);
    const present = [...files.keys()].find((path) => existsSync(join(workspace.root, path)));
    if (present) {
      throw fail.alreadyExists("service_exists", `${present} is there already`, {
        remedy: "choose another name",
      });
    }

    for (const [path, text] of files) {
      const file = join(workspace.root, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      print(`  ${paint("green", "+")} ${path}`);
    }
    const compose = join(workspace.root, "docker-compose.yml");
    await writeFile(compose, addToCompose(await readFile(compose, "utf8"), service));
    print(`  ${paint("yellow", "~")} docker-compose.yml`);
    const code = await run(process.execPath, [join(workspace.root, "cli", "main.ts"), "generate"], {
      cwd: workspace.root,
    });
    if (code !== 0) return code;
    print(`
${paint("bold", "Next")}
  npm test test/services/${name}.test.ts
  npm start                       ${paint("dim", `# ${name} answers on port ${port}`)}
  npx weft call ${name}.v1.${service.title}Service/CreateItem '{"name":"first"}' --token "$(npx weft token)"`);
    return 0;
  },
};

function titleOf(name: string): string {
  if (!/^[a-z][a-z0-9]{1,30}$/.test(name)) {
    throw fail.invalid("bad_name", `"${name}" cannot name a service`, {
      remedy: "use 2 to 31 lower case letters and digits, the first a letter",
    });
  }
  if (reserved.has(name) || taken.has(name)) {
    throw fail.invalid("bad_name", `"${name}" has a meaning of its own`, { remedy: "choose another name" });
  }
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

function choosePort(wanted: unknown, others: readonly number[]): number {
  if (wanted === undefined) return Math.max(firstPort - 1, ...others) + 1;
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 1024 || port > 65535) {
    throw usageError("--port must be a number from 1024 to 65535", newService);
  }
  if (others.includes(port)) throw usageError(`port ${port} belongs to another service`, newService);
  return port;
}
