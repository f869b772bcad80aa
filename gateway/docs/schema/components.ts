import type { DescEnum, DescMessage } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { DescriptorProtoSchema, EnumDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { commentOf } from "../comments.ts";
import type { Reference, Schema } from "../document.ts";
import { refTo } from "../document.ts";
import { createFreeNames } from "../free-names.ts";
import { newBudget } from "./budget.ts";
import type { Types, View } from "./field.ts";
import type { MessageShape } from "./message.ts";
import { messageShape } from "./message.ts";
import type { Ruled } from "./ruled.ts";

export interface Components extends Types {
  /** A reference to a message; what it is made of is in `schemas`. */
  refTo(desc: DescMessage, view: View): Reference;
  /** All schemas that were referred to, by name; pauses after each. */
  schemas(): Generator<undefined, Record<string, Schema>>;
}

interface Entry {
  readonly name: string;
  readonly desc: DescMessage;
  readonly view: View;
  shape?: MessageShape;
}

/**
 * Collects the schemas of messages and enums; `taken` are the names that are
 * not free. Requests are held to rules and answers are not, so a message that
 * is in both is shown twice if it has any.
 */
export function createComponents({ ruled, sent }: Ruled, taken: Iterable<string>): Components {
  const nameFor = createFreeNames(taken);
  const entries = new Map<string, Entry>();
  const enums = new Map<string, { name: string; schema: Schema }>();
  const identities = createIdentities();
  // Types refer to each other, so they wait here to be made instead of making each other.
  const waiting: Entry[] = [];

  const entryOf = (desc: DescMessage, given: View): Entry => {
    const isSent = sent.has(desc);
    const view: View = { ...given, checked: isSent && (given.checked || !ruled.has(desc)) };
    const suffix = `${view.checked || !isSent ? "" : ".unchecked"}${view.without.map((it) => `.without-${it}`).join("")}`;
    const key = `${identities.of(desc)}${suffix}`;
    let entry = entries.get(key);
    if (!entry) {
      entry = { name: nameFor(`${desc.typeName}${suffix}`), desc, view };
      entries.set(key, entry);
      waiting.push(entry);
    }
    return entry;
  };
  const shapeOf = (entry: Entry): MessageShape => {
    entry.shape ??= messageShape(entry.desc, entry.view, components);
    return entry.shape;
  };

  const components: Components = {
    message: (desc, view) => {
      const entry = entryOf(desc, view);
      return {
        schema: refTo("schemas", entry.name),
        examples: (budget) => {
          const example = shapeOf(entry).example(budget);
          return example ? [example] : [];
        },
      };
    },
    refTo: (desc, view) => refTo("schemas", entryOf(desc, view).name),
    enum: (desc) => {
      const key = identities.of(desc);
      let known = enums.get(key);
      if (!known) {
        known = { name: nameFor(desc.typeName), schema: enumSchema(desc) };
        enums.set(key, known);
      }
      return refTo("schemas", known.name);
    },
    *schemas() {
      for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
        shapeOf(entry);
        yield;
      }
      const all: [string, Schema][] = Array.from(enums.values(), ({ name, schema }) => [name, schema]);
      for (const entry of entries.values()) {
        const { schema, example } = shapeOf(entry);
        const shown = example(newBudget());
        all.push([
          entry.name,
          shown && Object.keys(shown).length > 0 ? { ...schema, examples: [shown] } : schema,
        ]);
        yield;
      }
      return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
  return components;
}

function enumSchema(desc: DescEnum): Schema {
  const text = commentOf(desc);
  return {
    type: "string",
    enum: desc.values.map(({ name }) => name),
    ...(text && { description: text }),
    ...(desc.deprecated && { deprecated: true }),
  };
}

/**
 * Contracts bring their own copies of the types that they share. Copies that
 * are alike are one; others, of services built at different times, are not.
 */
function createIdentities() {
  const keys = new Map<DescMessage | DescEnum, string>();
  const copies = new Map<string, { first: DescMessage | DescEnum; others: Map<string, string> }>();
  return {
    of(desc: DescMessage | DescEnum): string {
      let key = keys.get(desc);
      if (key === undefined) {
        key = find(desc);
        keys.set(desc, key);
      }
      return key;
    },
  };

  function find(desc: DescMessage | DescEnum): string {
    const known = copies.get(desc.typeName);
    if (!known) {
      copies.set(desc.typeName, { first: desc, others: new Map() });
      return desc.typeName;
    }
    if (known.others.size === 0) known.others.set(bytesOf(known.first), desc.typeName);
    const bytes = bytesOf(desc);
    const key = known.others.get(bytes) ?? `${desc.typeName}#${known.others.size + 1}`;
    known.others.set(bytes, key);
    return key;
  }
}

function bytesOf(desc: DescMessage | DescEnum): string {
  const bytes =
    desc.kind === "message"
      ? toBinary(DescriptorProtoSchema, desc.proto)
      : toBinary(EnumDescriptorProtoSchema, desc.proto);
  return Buffer.from(bytes).toString("latin1");
}
