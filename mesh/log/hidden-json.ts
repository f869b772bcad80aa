import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { redacted } from "./redact.ts";

/** A message as JSON without what its contract marks `debug_redact`. */
export const hideJson = (desc: DescMessage, json: JsonValue, registry: Registry): JsonValue =>
  mapHidden(registry, desc, json, undefined, () => redacted);

/**
 * Puts back what was hidden from whoever edited it: where it still says so, it
 * keeps what it had.
 *
 * @param missing What to throw where there was nothing.
 */
export const restoreJson = (
  desc: DescMessage,
  edited: JsonValue,
  before: JsonValue | undefined,
  registry: Registry,
  missing: (field: string) => Error,
): JsonValue =>
  mapHidden(registry, desc, edited, before, (value, old, name) => {
    if (value !== redacted) return value;
    if (old !== undefined) return old;
    throw missing(name);
  });

type Visit = (value: JsonValue, before: JsonValue | undefined, name: string) => JsonValue;

/** Goes through JSON beside its contract, and visits the values of fields that hold personal data. */
function mapHidden(
  registry: Registry,
  desc: DescMessage,
  json: JsonValue,
  before: JsonValue | undefined,
  visit: Visit,
): JsonValue {
  // Well-known types that have a form of their own in JSON hold nothing to look into, but for this one.
  if (desc.typeName === "google.protobuf.Any") return mapAny(registry, json, before, visit);
  if (!isObject(json) || desc.typeName.startsWith("google.protobuf.")) return json;
  const fields = new Map(desc.fields.flatMap((it) => [[it.jsonName, it] as const, [it.name, it] as const]));
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(json)) {
    const field = fields.get(name);
    const old = isObject(before)
      ? (before[field?.jsonName ?? name] ?? before[field?.name ?? name])
      : undefined;
    if (!field || value === null) out[name] = value;
    else if (field.proto.options?.debugRedact) out[name] = visit(value, old, name);
    else out[name] = mapField(registry, field, value, old, visit);
  }
  return out;
}

function mapField(
  registry: Registry,
  field: DescField,
  value: JsonValue,
  before: JsonValue | undefined,
  visit: Visit,
): JsonValue {
  const inner = field.message;
  if (!inner) return value;
  if (field.fieldKind === "list" && Array.isArray(value)) {
    const old = Array.isArray(before) ? before : [];
    return value.map((item, index) => mapHidden(registry, inner, item, old[index], visit));
  }
  if (field.fieldKind === "map" && isObject(value)) {
    const old = isObject(before) ? before : {};
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, mapHidden(registry, inner, item, old[key], visit)]),
    );
  }
  return mapHidden(registry, inner, value, before, visit);
}

function mapAny(registry: Registry, json: JsonValue, before: JsonValue | undefined, visit: Visit): JsonValue {
  if (!isObject(json) || typeof json["@type"] !== "string") return json;
  const name = json["@type"].slice(json["@type"].lastIndexOf("/") + 1);
  const inner = registry.getMessage(name);
  return inner ? mapHidden(registry, inner, json, before, visit) : json;
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
