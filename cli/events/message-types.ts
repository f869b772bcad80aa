import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DescFile, DescMessage, Registry } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import { Kvm } from "@nats-io/kv";
import { readContracts } from "#mesh/discovery/contracts.ts";
import { contractsBucket } from "#mesh/discovery/contracts-bucket.ts";
import type { Nats } from "#mesh/nats/nats.ts";
import { errorCode, streamNotFound } from "#mesh/nats/streams.ts";

export interface MessageType {
  readonly desc: DescMessage;
  /** Where the types are that its fields may name. */
  readonly registry: Registry;
}

/** Finds the contract of a message by its full name: in this checkout, else among what services published. */
export type FindType = (name: string) => Promise<MessageType | undefined>;

export interface TypesOptions {
  /** The folder of generated code. */
  readonly gen: string;
  readonly nats: Nats;
  readonly now?: () => number;
}

/** A service that starts later may publish what nobody knew; until then one look in a while is enough. */
const lookAgainMs = 5000;

export function createTypes({ gen, nats, now = Date.now }: TypesOptions): FindType {
  const known = new Map<string, MessageType>();
  const packages = new Map<string, Promise<Registry>>();
  let published: Promise<Registry[]> | undefined;
  let lookedMs = 0;

  const ofCheckout = (name: string): Promise<Registry> | undefined => {
    const folder = packageFolder(name);
    if (folder === undefined) return undefined;
    const loading = packages.get(folder) ?? loadPackage(join(gen, folder));
    packages.set(folder, loading);
    return loading;
  };
  const ofServices = () => {
    if (!published || now() - lookedMs > lookAgainMs) {
      lookedMs = now();
      published = loadPublished(nats);
    }
    return published;
  };

  return async (name) => {
    const there = known.get(name);
    if (there) return there;
    const own = await ofCheckout(name);
    const registries = own?.getMessage(name) ? [own] : await ofServices();
    for (const registry of registries) {
      const desc = registry.getMessage(name);
      if (!desc) continue;
      known.set(name, { desc, registry });
      return { desc, registry };
    }
    return undefined;
  };
}

/** `order/v1` for `order.v1.OrderCreated`. The name comes from outside and must not lead elsewhere. */
function packageFolder(name: string): string | undefined {
  if (!/^[a-z]\w*(?:\.[a-z]\w*)*\.[A-Z]\w*(?:\.[A-Z]\w*)*$/.test(name)) return undefined;
  return join(...name.split(".").filter((part) => /^[a-z]/.test(part)));
}

async function loadPackage(folder: string): Promise<Registry> {
  const files = await readdir(folder).catch(() => []);
  const modules = await Promise.all(
    files
      .filter((file) => file.endsWith("_pb.js"))
      .map((file) => import(pathToFileURL(join(folder, file)).href) as Promise<Record<string, unknown>>),
  );
  return createRegistry(...modules.flatMap((module) => Object.values(module).filter(isFile)));
}

const isFile = (value: unknown): value is DescFile =>
  typeof value === "object" && value !== null && "kind" in value && value.kind === "file";

/** Opened, never made: who only looks leaves nothing behind. */
async function loadPublished(nats: Nats): Promise<Registry[]> {
  const bucket = await new Kvm(nats.connection).open(nats.nameOf(contractsBucket));
  const registries: Registry[] = [];
  try {
    for await (const hash of await bucket.keys()) {
      const entry = await bucket.get(hash);
      if (entry?.operation === "PUT") registries.push(...readable(hash, entry.value));
    }
  } catch (error) {
    // No service has ever published any.
    if (errorCode(error) !== streamNotFound) throw error;
  }
  return registries;
}

/** What is no set of contracts is nothing to know types by; whoever needs it is told so elsewhere. */
function readable(hash: string, bytes: Uint8Array): Registry[] {
  try {
    return [readContracts(hash, bytes)];
  } catch {
    return [];
  }
}
