import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import * as kinds from "./kinds.ts";
import { NameTable } from "./name-table.ts";

export const SINGLE = 0;
export const LIST = 1;
export const MAP = 2;

/** What is known beforehand of one field, so that reading it asks the descriptor nothing. */
export interface InputField {
  readonly desc: DescField;
  readonly shape: number;
  readonly kind: kinds.Kind;
  /** What stands before each value on the wire: number and wire type. */
  readonly tag: number;
  readonly packed: boolean;
  readonly delimited: boolean;
  readonly takesNull: boolean;
  /** Bit by which a message remembers that it had this field. */
  readonly bit: number;
  /** Bit of its oneof; -1 for none. */
  readonly group: number;
  /** Index of the path variable that sets it; -1 for none. */
  readonly capture: number;
  readonly mapKey: kinds.Kind;
  /** The kind inside a wrapper. */
  readonly inner: kinds.Kind;
  readonly enumNames: NameTable<number> | undefined;
  readonly enum: DescEnum | undefined;
  /** Of closed enums, which refuse other numbers. */
  readonly enumNumbers: ReadonlySet<number> | undefined;
  readonly message: InputPlan | undefined;
}

export interface InputPlan {
  readonly desc: DescMessage;
  /** Of the message itself. */
  readonly kind: kinds.Kind;
  readonly names: NameTable<InputField>;
  /** How many bits its fields and oneofs take. */
  readonly bits: number;
  /** Bits that are set from the start: of oneofs that a path variable has decided. */
  readonly given: readonly number[];
  /** The same as one number, for plans of up to 31 bits. */
  readonly mask: number;
  /** By proto or JSON name. */
  field(name: string): InputField | undefined;
}

/** A field, by the way from a message to it, that the variable of this index sets. */
export interface BoundPath {
  readonly fields: readonly DescField[];
  readonly capture: number;
}

/** A plan that is made when it is first used, so that recursive types end. */
class LazyPlan implements InputPlan {
  readonly desc: DescMessage;
  readonly kind: kinds.Kind;
  readonly bits: number;
  readonly given: readonly number[];
  readonly mask: number;
  readonly #bound: readonly BoundPath[];
  #names: NameTable<InputField> | undefined;

  constructor(desc: DescMessage, bound: readonly BoundPath[]) {
    this.desc = desc;
    this.kind = kinds.kindOfMessage(desc);
    this.#bound = bound;
    this.bits = desc.fields.length + desc.oneofs.length;
    this.given = bound
      .map(({ fields }) => (fields[0] === undefined ? -1 : groupOf(desc, fields[0])))
      .filter((group) => group >= 0);
    this.mask = this.given.reduce((mask, group) => mask | (1 << group), 0);
  }

  get names(): NameTable<InputField> {
    this.#names ??= this.#compile();
    return this.#names;
  }

  field(name: string): InputField | undefined {
    const bytes = Buffer.from(name);
    return this.names.lookUp(bytes, 0, bytes.length);
  }

  #compile(): NameTable<InputField> {
    const fields = this.desc.fields.map((field, bit) => inputField(this.desc, field, bit, this.#bound));
    return new NameTable([
      ...fields.map((field) => [field.desc.name, field] as const),
      // Descriptors that no compiler made may lack the JSON names.
      ...fields
        .filter(({ desc }) => desc.jsonName !== "")
        .map((field) => [field.desc.jsonName, field] as const),
    ]);
  }
}

function groupOf(desc: DescMessage, field: DescField): number {
  return field.oneof === undefined ? -1 : desc.fields.length + desc.oneofs.indexOf(field.oneof);
}

function inputField(
  desc: DescMessage,
  field: DescField,
  bit: number,
  bound: readonly BoundPath[],
): InputField {
  const below = bound.filter(({ fields }) => fields[0] === field);
  const capture = below.find(({ fields }) => fields.length === 1)?.capture ?? -1;
  const deeper = below.filter(({ fields }) => fields.length > 1);
  const kind = kinds.kindOf(field);
  const shape = field.fieldKind === "list" ? LIST : field.fieldKind === "map" ? MAP : SINGLE;
  const packed = field.fieldKind === "list" && field.packed;
  const delimited = "delimitedEncoding" in field && field.delimitedEncoding;
  const wireType =
    packed || shape === MAP ? kinds.DELIMITED : delimited ? kinds.GROUP : kinds.wireTypeOf(kind);
  const { message, enum: names } = field;
  return {
    desc: field,
    shape,
    kind,
    tag: ((field.number << 3) | wireType) >>> 0,
    packed,
    delimited,
    takesNull: kinds.takesNull(field),
    bit,
    // What the path has decided the body may repeat.
    group: below.length > 0 ? -1 : groupOf(desc, field),
    capture,
    mapKey: field.fieldKind === "map" ? field.mapKey : ScalarType.STRING,
    inner: kind === kinds.WRAPPER && message?.fields[0] ? kinds.kindOf(message.fields[0]) : kinds.MESSAGE,
    enumNames: names && enumTable(names),
    enum: names,
    enumNumbers: names && !names.open ? new Set(names.values.map(({ number }) => number)) : undefined,
    message: message && planOf(message, rest(deeper)),
  };
}

const rest = (bound: readonly BoundPath[]): BoundPath[] =>
  bound.map(({ fields, capture }) => ({ fields: fields.slice(1), capture }));

const enumTables = new WeakMap<DescEnum, NameTable<number>>();
function enumTable(desc: DescEnum): NameTable<number> {
  let table = enumTables.get(desc);
  if (table === undefined) {
    table = new NameTable([
      ...desc.values.map(({ name, number }) => [name, number] as const),
      ...desc.values.map(({ jsonName, number }) => [jsonName, number] as const),
    ]);
    enumTables.set(desc, table);
  }
  return table;
}

const plans = new WeakMap<DescMessage, InputPlan>();

/** The plan by which a message is read; one per type, but for those in which a path sets fields. */
export function planOf(desc: DescMessage, bound: readonly BoundPath[] = []): InputPlan {
  if (bound.length > 0) return new LazyPlan(desc, bound);
  let plan = plans.get(desc);
  if (plan === undefined) {
    plan = new LazyPlan(desc, bound);
    plans.set(desc, plan);
  }
  return plan;
}
