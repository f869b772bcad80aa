import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import type { InputField } from "./input-plan.ts";
import { LIST, MAP, planOf } from "./input-plan.ts";
import { FOREIGN, MESSAGE, TIMESTAMP } from "./kinds.ts";
import { suggestion } from "./nearest.ts";

/** A oneof at a certain place of the request, and which of its fields was given last, when. */
export interface Group {
  readonly name: string;
  seenAt: number;
  by: DescField | undefined;
}

/** What a name of the query leads to. Its state is of the request with the number `seenAt`. */
export interface QueryLeaf {
  /** In proto names. */
  readonly path: string;
  /** Why it cannot be given in the query. */
  readonly refused: { readonly reason: string; readonly why: string } | undefined;
  readonly fields: readonly InputField[];
  readonly last: InputField | undefined;
  readonly repeated: boolean;
  /** Index of the path variable that sets the same field; -1 for none. */
  readonly capture: number;
  readonly groups: readonly { readonly group: Group; readonly field: DescField }[];
  seenAt: number;
}

/** Deepest name; of recursive types there is no other end. */
const deepest = 32;
/** Names kept of one binding: of recursive types there are endlessly many. */
const mostKept = 100;
const longestKept = 256;

/** Finds the fields that names in a query mean, and keeps what it has found. */
export class QueryNames {
  readonly #binding: Binding;
  readonly #input: DescMessage;
  readonly #byName = new Map<string, QueryLeaf>();
  readonly #byPath = new Map<string, QueryLeaf>();
  readonly #groups = new Map<string, Group>();

  constructor(binding: Binding) {
    this.#binding = binding;
    this.#input = binding.method.input;
  }

  /** Call it between requests. */
  bound(): void {
    if (this.#byName.size < mostKept && this.#byPath.size < mostKept) return;
    this.#byName.clear();
    this.#byPath.clear();
    this.#groups.clear();
  }

  find(name: string): QueryLeaf {
    const kept = this.#byName.get(name);
    if (kept !== undefined) return kept;
    const made = this.#resolve(name);
    // There are more wrong names than memory.
    if (made.refused !== undefined) return made;
    // Either name of a field leads to the same leaf, so that it counts as given by both.
    const leaf = this.#byPath.get(made.path) ?? made;
    this.#byPath.set(leaf.path, leaf);
    if (name.length <= longestKept) this.#byName.set(name, leaf);
    return leaf;
  }

  /** Whether this request has given the field of this path. */
  given(path: string, request: number): boolean {
    return this.#byPath.get(path)?.seenAt === request;
  }

  /** Marks the oneofs in which path or body have chosen this field. */
  decide(fields: readonly DescField[], request: number): void {
    for (const { group, field } of this.#groupsOf(fields)) {
      group.seenAt = request;
      group.by = field;
    }
  }

  #resolve(name: string): QueryLeaf {
    const steps = name.split(".", deepest + 1);
    if (steps.length > deepest) return refusedLeaf(name, "unknown_field", `has more than ${deepest} names`);
    let desc: DescMessage | undefined = this.#input;
    const fields: InputField[] = [];
    for (const step of steps) {
      const around = fields.at(-1);
      if (around !== undefined && (around.shape !== 0 || around.kind !== MESSAGE)) {
        return refusedLeaf(name, "unknown_field", `${around.desc.name} has no fields that can be given here`);
      }
      const field: InputField | undefined = desc && planOf(desc).field(step);
      if (field === undefined) {
        const known = desc?.fields.map((it) => it.name) ?? [];
        const why = `${desc?.typeName} has no field ${step.slice(0, 40)}${suggestion(step, known)}`;
        return refusedLeaf(name, "unknown_field", why);
      }
      fields.push(field);
      desc = field.message?.desc;
    }
    return this.#leaf(name, fields);
  }

  #leaf(name: string, fields: readonly InputField[]): QueryLeaf {
    const { body, variables } = this.#binding;
    const first = fields[0];
    const last = fields.at(-1);
    if (last === undefined || first === undefined) return refusedLeaf(name, "unknown_field", "is no field");
    if (body !== undefined && body !== "*" && first.desc.name === body.name) {
      return refusedLeaf(name, "conflicting_field", "is given in the body, not in the query");
    }
    if (last.shape === MAP) return refusedLeaf(name, "bad_value", "is a map, which a query cannot give");
    if (last.kind === MESSAGE || last.kind === FOREIGN) {
      const why = `is a ${last.desc.message?.typeName}, which a query cannot give as a whole`;
      return refusedLeaf(name, "bad_value", why);
    }
    if (last.shape === LIST && last.kind >= TIMESTAMP) {
      return refusedLeaf(name, "bad_value", "is a list of messages, which a query cannot give");
    }
    return {
      path: fields.map(({ desc }) => desc.name).join("."),
      refused: undefined,
      fields,
      last,
      repeated: last.shape === LIST,
      capture: variables.findIndex((it) => samePath(it.fields, fields)),
      groups: this.#groupsOf(fields.map(({ desc }) => desc)),
      seenAt: -1,
    };
  }

  /** The oneofs that are decided when this field is given. */
  #groupsOf(fields: readonly DescField[]): { group: Group; field: DescField }[] {
    const decided: { group: Group; field: DescField }[] = [];
    let prefix = "";
    for (const field of fields) {
      if (field.oneof !== undefined) decided.push({ group: this.#group(prefix + field.oneof.name), field });
      prefix += `${field.name}.`;
    }
    return decided;
  }

  #group(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = { name, seenAt: -1, by: undefined };
      this.#groups.set(name, group);
    }
    return group;
  }
}

const samePath = (names: readonly DescField[], fields: readonly InputField[]): boolean =>
  names.length === fields.length && names.every(({ name }, index) => name === fields[index]?.desc.name);

const refusedLeaf = (path: string, reason: string, why: string): QueryLeaf => ({
  path,
  refused: { reason, why },
  fields: [],
  last: undefined,
  repeated: false,
  capture: -1,
  groups: [],
  seenAt: -1,
});
