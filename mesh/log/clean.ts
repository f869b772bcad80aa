import type { DescFile, DescService, Message, Registry } from "@bufbuild/protobuf";
import { createRegistry } from "@bufbuild/protobuf";
import { describeError } from "./describe-error.ts";
import { redact, redacted } from "./redact.ts";

/** Makes a value fit for a log line: nothing personal, nothing secret, nothing endless. */
export type Clean = (value: unknown) => unknown;

/** A second line of defence behind the contract, for objects that are no messages. */
const secretName = /password|secret|authorization|cookie|assertion|token$/i;
const deepest = 4;
const longestList = 20;

export function createClean(contracts: readonly DescService[]): Clean {
  const registry = createRegistry(...filesOf(contracts));
  return (value) => cleanValue(registry, value, 0);
}

/** The contracts' files and all that they import, since their messages are declared there. */
function filesOf(contracts: readonly DescService[]): DescFile[] {
  const files = new Set<DescFile>();
  const add = (file: DescFile) => {
    if (files.has(file)) return;
    files.add(file);
    file.dependencies.forEach(add);
  };
  for (const { file } of contracts) add(file);
  return [...files];
}

function cleanValue(registry: Registry, value: unknown, depth: number): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (isMessage(value)) return cleanMessage(registry, value);
  if (value instanceof Error) return describeError(value);
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value instanceof URL) return `${value.protocol}//${value.host}${value.pathname}`;
  if (value instanceof Date) return value;
  if (depth === deepest) return "[deep]";
  if (Array.isArray(value)) {
    const items = value.slice(0, longestList).map((it) => cleanValue(registry, it, depth + 1));
    return value.length > longestList ? [...items, `[${value.length - longestList} more]`] : items;
  }
  if (!isPlain(value)) return `[${value.constructor?.name ?? "object"}]`;
  const out: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const hidden = member !== undefined && secretName.test(name);
    out[name] = hidden ? redacted : cleanValue(registry, member, depth + 1);
  }
  return out;
}

function cleanMessage(registry: Registry, message: Message): Record<string, unknown> {
  const desc = registry.getMessage(message.$typeName);
  return { [message.$typeName]: desc ? redact(desc, message) : "[unknown message]" };
}

function isMessage(value: object): value is Message {
  return "$typeName" in value && typeof value.$typeName === "string";
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
