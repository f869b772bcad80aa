import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConnectError } from "@connectrpc/connect";
import type { ServiceDefinition } from "#mesh";
import { serviceOf } from "#mesh/contract/options.ts";
import { fail } from "#mesh/errors.ts";
import { whyNot } from "./not-loaded.ts";
import type { Workspace } from "./workspace.ts";

/** The gateway stands beside the services and not among them: it knows none of them. */
const edgeName = "gateway";

/** The services of this checkout: every `services/<name>/service.ts`, and the gateway. */
export async function loadCatalog(workspace: Workspace): Promise<ServiceDefinition[]> {
  return Promise.all((await serviceNames(workspace)).map((name) => loadService(workspace, name)));
}

/** Loads the services of these names, so that a container loads no code but its own. */
export async function loadServices(
  workspace: Workspace,
  names: readonly string[],
): Promise<ServiceDefinition[]> {
  await requireServices(workspace, names);
  return Promise.all(names.map((name) => loadService(workspace, name)));
}

/** Throws when there are no services of some of these names, without loading any. */
export async function requireServices(workspace: Workspace, names: readonly string[]): Promise<void> {
  const known = await serviceNames(workspace);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw fail.notFound("unknown_service", `no service is named ${unknown.join(", ")}`, {
    remedy: `there are ${known.join(", ")}`,
  });
}

async function serviceNames(workspace: Workspace): Promise<string[]> {
  const entries = await readdir(workspace.services, { withFileTypes: true });
  const folders = entries.filter((it) => it.isDirectory()).map(({ name }) => name);
  return [edgeName, ...folders].filter((name) => existsSync(fileOf(workspace, name))).sort();
}

const fileOf = ({ root, services }: Workspace, name: string): string =>
  name === edgeName ? join(root, name, "service.ts") : join(services, name, "service.ts");

async function loadService(workspace: Workspace, name: string): Promise<ServiceDefinition> {
  const file = fileOf(workspace, name);
  const module = await importService(file);
  if (!module.default) {
    throw fail.precondition("bad_service", `${file} exports no service`, {
      remedy: "write `export default defineService({ … })`",
    });
  }
  return module.default;
}

async function importService(file: string): Promise<{ default?: ServiceDefinition }> {
  try {
    return (await import(pathToFileURL(file).href)) as { default?: ServiceDefinition };
  } catch (cause) {
    throw cause instanceof ConnectError ? cause : whyNot(file, cause);
  }
}

/** The port that a service's contract names. */
export const usualPort = ({ contracts }: ServiceDefinition): number => {
  const [first] = contracts;
  return (first && serviceOf(first)?.port) ?? 0;
};

/** What a service may do elsewhere, as its contracts say. */
export const scopesOf = ({ contracts }: ServiceDefinition): string[] => [
  ...new Set(contracts.flatMap((contract) => serviceOf(contract)?.scopes ?? [])),
];
