import type { Fields, ServiceDefinition } from "#mesh";
import { meshFields, perServiceFields } from "#mesh";

/** Every variable there is, with what it is for and its default, as `.env.example` shows them. */
export function renderEnvExample(services: readonly ServiceDefinition[]): string {
  const sections: Array<[title: string, fields: Fields]> = [
    ["Every service", meshFields],
    ["One service; <SERVICE> is its name in capitals", perServiceFields],
    ...services.map(({ name, config }): [string, Fields] => [`The ${name} service`, config ?? {}]),
  ];
  const head = `# Every variable that services read, with its default. Nothing here must be set to start
# on a laptop: \`npm start\` brings what is missing. A secret may stand in a file
# instead: NAME_FILE=/path in place of NAME=value.
# Written by \`npm run generate\`.
`;
  const shown = sections.filter(([, fields]) => Object.keys(fields).length > 0);
  return [head, ...shown.map(([title, fields]) => `## ${title}\n\n${renderFields(fields)}`)].join("\n");
}

function renderFields(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, { description, fallback, secret }]) => {
      const notes = [fallback === undefined ? "Required." : "", secret ? "Secret." : ""].filter(Boolean);
      return `# ${[description, ...notes].join(" ")}\n# ${name}=${fallback ?? ""}\n`;
    })
    .join("\n");
}
