import type { DescField, DescMessage, JsonObject, JsonValue, Registry } from "@bufbuild/protobuf";
import { fail } from "#mesh/errors.ts";
import { redacted } from "#mesh/log/redact.ts";

/** A message as JSON without what its contract marks `debug_redact`. */
export function hide(desc: DescMessage, json: JsonValue, registry: Registry): JsonValue {
  if (!isObject(json)) return json;
  if (desc.typeName === "google.protobuf.Any") return hideAny(json, registry);
  // The others of that package have a form of their own in JSON, and nothing personal by themselves.
  if (desc.typeName.startsWith("google.protobuf.")) return json;
  const fields = new Map(desc.fields.map((field) => [field.jsonName, field]));
  return mapValues(json, (value, name) => {
    const field = fields.get(name);
    return field ? hideField(field, value, registry) : value;
  });
}

function hideField(field: DescField, value: JsonValue, registry: Registry): JsonValue {
  if (value === null) return value;
  if (field.proto.options?.debugRedact) return redacted;
  const inner = field.message;
  if (!inner) return value;
  if (Array.isArray(value)) return value.map((item) => hide(inner, item, registry));
  if (field.fieldKind === "map" && isObject(value)) {
    return mapValues(value, (item) => hide(inner, item, registry));
  }
  return hide(inner, value, registry);
}

function hideAny(json: JsonObject, registry: Registry): JsonValue {
  const url = String(json["@type"] ?? "");
  const desc = registry.getMessage(url.slice(url.lastIndexOf("/") + 1));
  return desc ? hide(desc, json, registry) : json;
}

/** Puts back what was hidden from whoever edited it: where it still says so, it keeps what it had. */
export function restoreHidden(edited: JsonValue, before: JsonValue | undefined, path = "data"): JsonValue {
  if (edited === redacted) {
    if (before !== undefined) return before;
    throw fail.invalid("bad_data", `${path} says ${redacted} and was not there before`, {
      remedy: "write what it shall be",
    });
  }
  if (Array.isArray(edited)) {
    const old = Array.isArray(before) ? before : [];
    return edited.map((item, at) => restoreHidden(item, old[at], `${path}[${at}]`));
  }
  if (!isObject(edited)) return edited;
  const old = isObject(before) ? before : {};
  return mapValues(edited, (value, name) =>
    restoreHidden(value, Object.hasOwn(old, name) ? old[name] : undefined, `${path}.${name}`),
  );
}

const mapValues = (json: JsonObject, map: (value: JsonValue, name: string) => JsonValue): JsonObject =>
  Object.fromEntries(Object.entries(json).map(([name, value]) => [name, map(value, name)]));

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
