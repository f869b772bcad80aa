import { fail } from "#mesh/errors.ts";
import type { NewService } from "./new-service.ts";

/**
 * Adds a service to docker-compose.yml as text, so that comments and layout
 * stay as people wrote them: its container, its key and its address.
 */
export function addToCompose(text: string, { name, port }: NewService): string {
  return [addEndpoint, addKeys, addContainer, addVolume].reduce((done, add) => add(done, name, port), text);
}

type Add = (text: string, name: string, port: number) => string;

const addEndpoint: Add = (text, name, port) =>
  insert(text, /^( *WEFT_ENDPOINTS: .*)$/m, (line) => `${line},${name}=http://${name}:${port}`);

const addKeys: Add = (text, name) =>
  insert(text, /^( *)- operator-keys:\/keys\/operator$/m, (line) => {
    const indent = line.slice(0, line.indexOf("-"));
    return `${indent}- ${name}-keys:/keys/${name}\n${line}`;
  });

const addContainer: Add = (text, name, port) =>
  insert(
    text,
    /^volumes:$/m,
    (line) => `  ${name}:
    <<: *service
    command: ["serve", "${name}"]
    environment:
      <<: *environment
      PORT: "${port}"
    ports:
      - "127.0.0.1:${port}:${port}"
    volumes:
      - ${name}-keys:/keys/${name}:ro

${line}`,
  );

const addVolume: Add = (text, name) =>
  insert(text, /^ {2}operator-keys:$/m, (line) => `  ${name}-keys:\n${line}`);

function insert(text: string, place: RegExp, change: (line: string) => string): string {
  if (!place.test(text)) {
    throw fail.precondition("odd_compose_file", `docker-compose.yml has no line like ${place.source}`, {
      remedy: "restore it, or add the service there by hand",
    });
  }
  return text.replace(place, change);
}
