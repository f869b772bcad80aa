import type { DescEnum, DescField, DescMessage, DescService } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import type { Changes } from "./changes.ts";
import { reachableFrom } from "./reachable.ts";

/**
 * What has changed in the messages and enums that occur in calls by both. One
 * that occurs by one alone is told of with the method or field that has it.
 */
export function compareTypes(
  before: readonly DescService[],
  after: readonly DescService[],
  changes: Changes,
): void {
  const [former, next] = [reachableFrom(before), reachableFrom(after)];
  for (const [name, message] of former.messages) {
    const now = next.messages.get(name);
    if (now) compareMessages(message, now, changes);
  }
  for (const [name, desc] of former.enums) {
    const now = next.enums.get(name);
    if (now) compareEnums(desc, now, changes);
  }
}

function compareMessages(before: DescMessage, after: DescMessage, { breaks, adds }: Changes): void {
  const byNumber = new Map(after.fields.map((it) => [it.number, it]));
  const byName = new Map(after.fields.map((it) => [it.name, it]));
  const kept = new Set<DescField>();
  for (const field of before.fields) {
    const name = `${before.typeName}.${field.name}`;
    const now = byNumber.get(field.number);
    const moved = byName.get(field.name);
    if (now) {
      kept.add(now);
      compareFields(name, field, now, breaks);
    }
    if (moved && moved !== now) {
      kept.add(moved);
      breaks(`${name} has number ${moved.number}, before ${field.number}`);
    } else if (!now) breaks(`${name} is gone`);
  }
  for (const field of after.fields) if (!kept.has(field)) adds(`${before.typeName}.${field.name} is new`);
}

function compareFields(name: string, before: DescField, after: DescField, breaks: Changes["breaks"]): void {
  const changed = (what: string, from: string, to: string) =>
    from !== to && breaks(`${name} ${what} ${to}, before ${from}`);
  changed("is called", before.name, after.name);
  if (before.name === after.name) changed("is in JSON", before.jsonName, after.jsonName);
  changed("is of type", typeOf(before), typeOf(after));
  changed("is", labelOf(before), labelOf(after));
  changed("is in", oneofOf(before), oneofOf(after));
}

const oneofOf = ({ oneof }: DescField): string => (oneof ? `oneof ${oneof.name}` : "no oneof");

const labelOf = (field: DescField): string => {
  if (field.fieldKind === "map") return "a map";
  return field.fieldKind === "list" ? "repeated" : "single";
};

function typeOf(field: DescField): string {
  const value = field.message?.typeName ?? field.enum?.typeName ?? ScalarType[field.scalar ?? 0] ?? "";
  return field.fieldKind === "map" ? `${ScalarType[field.mapKey]} to ${value}` : value;
}

function compareEnums(before: DescEnum, after: DescEnum, { breaks, adds }: Changes): void {
  const byName = new Map(after.values.map((it) => [it.name, it]));
  const former = new Set(before.values.map((it) => it.name));
  const renamed = new Set<string>();
  for (const { name, number } of before.values) {
    const now = byName.get(name);
    const other = after.values.find((it) => it.number === number && !former.has(it.name));
    if (now && now.number !== number)
      breaks(`${before.typeName}.${name} has number ${now.number}, before ${number}`);
    else if (!now && other) {
      renamed.add(other.name);
      breaks(`${before.typeName}.${name} is called ${other.name}`);
    } else if (!now) breaks(`${before.typeName}.${name} is gone`);
  }
  for (const { name } of after.values)
    if (!former.has(name) && !renamed.has(name)) adds(`${before.typeName}.${name} is new`);
}
