import type { DescField, DescMessage, DescMethod, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { newBudget } from "../../../gateway/docs/schema/budget.ts";
import { createComponents } from "../../../gateway/docs/schema/components.ts";
import { messageShape } from "../../../gateway/docs/schema/message.ts";
import { ruledOf } from "../../../gateway/docs/schema/ruled.ts";
import type { Binding } from "../../../gateway/routing/binding.ts";

/** A request that keeps to the rules of its contract, in names of the contract. */
export function sampleOf(method: DescMethod): JsonObject {
  const components = createComponents(ruledOf([method]), []);
  const { example } = messageShape(method.input, { checked: true, without: [] }, components);
  return example(newBudget()) ?? {};
}

export interface RestRequest {
  readonly verb: string;
  readonly path: string;
  readonly body: JsonValue | undefined;
}

/** How a request goes by HTTP, as its binding says. */
export function restOf({ verb, template, variables, body }: Binding, message: JsonObject): RestRequest {
  const rest = structuredClone(message);
  const values = variables.map(({ fields }) => takeAt(rest, fields));
  let next = 0;
  const path = template.text.replace(/\{[^}]+\}/g, () =>
    encodeURIComponent(String(values[next++] ?? "none")),
  );
  if (body === "*") return { verb, path, body: rest };
  let part: JsonValue | undefined;
  if (body !== undefined) {
    part = rest[body.name] ?? {};
    delete rest[body.name];
  }
  const query = new URLSearchParams(flat(rest, "")).toString();
  return { verb, path: query === "" ? path : `${path}?${query}`, body: part };
}

function takeAt(message: JsonObject, fields: readonly DescField[]): JsonValue | undefined {
  const [first, ...others] = fields;
  if (!first) return undefined;
  const value = message[first.name];
  if (others.length > 0) return takeAt((value ?? {}) as JsonObject, others);
  delete message[first.name];
  return value;
}

const flat = (value: JsonValue, name: string): [string, string][] => {
  if (Array.isArray(value)) return value.flatMap((it) => flat(it, name));
  if (typeof value !== "object" || value === null) return [[name, String(value)]];
  return Object.entries(value).flatMap(([key, it]) => flat(it, name === "" ? key : `${name}.${key}`));
};

/** Where a message names somebody or something by its id, at any depth. */
export function setIds(
  message: JsonObject,
  desc: DescMessage,
  ids: Readonly<Record<string, string>>,
): JsonObject {
  const set = Object.entries(ids).flatMap(([name, id]) =>
    desc.fields.some((it) => it.name === name) ? [[name, id]] : [],
  );
  return { ...message, ...Object.fromEntries(set) };
}
