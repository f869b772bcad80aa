import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { LIST, MAP, SINGLE } from "./input-plan.ts";
import * as kinds from "./kinds.ts";

/** What is known beforehand of one field of an answer. */
export interface AnswerField {
  /** Place among the fields by number, which is the order of the JSON. */
  readonly index: number;
  readonly number: number;
  readonly shape: number;
  readonly kind: kinds.Kind;
  readonly wireType: number;
  /** May come as a packed list, whatever the contract says of it. */
  readonly packable: boolean;
  /** Bit of its oneof, 0 for none. */
  readonly oneof: number;
  /** `,"name":` */
  readonly prefix: Buffer;
  /** `,"name":0`, said when the field is not there; nothing for fields that know whether they are set. */
  readonly absent: Buffer;
  readonly mapKey: kinds.Kind;
  /** The kind inside a wrapper. */
  readonly inner: kinds.Kind;
  /** The value of a map entry or wrapper that is not on the wire. */
  readonly zero: Buffer;
  readonly enumTexts: ReadonlyMap<number, Buffer> | undefined;
  /** Numbers that a closed enum does not have count as unknown fields. */
  readonly closed: boolean;
  readonly message: AnswerPlan | undefined;
}

export interface AnswerPlan {
  readonly desc: DescMessage;
  /** Of the message itself. */
  readonly kind: kinds.Kind;
  /** The one field that is read, where the others are passed over. */
  readonly only: DescField | undefined;
  /** By number. */
  readonly fields: readonly AnswerField[];
  /** Has what only protobuf-es reads: delimited fields, very many oneofs. */
  readonly odd: boolean;
  find(number: number): AnswerField | undefined;
}

/** Up to this number a field is found by its place in an array. */
const direct = 1024;

/** A plan that is made when it is first used, so that recursive types end. */
class LazyPlan implements AnswerPlan {
  readonly desc: DescMessage;
  readonly kind: kinds.Kind;
  readonly only: DescField | undefined;
  #fields: readonly AnswerField[] | undefined;
  #odd = false;
  #near: (AnswerField | undefined)[] = [];
  #far = new Map<number, AnswerField>();

  constructor(desc: DescMessage, only?: DescField) {
    this.desc = desc;
    this.kind = kinds.kindOfMessage(desc);
    this.only = only;
  }

  get fields(): readonly AnswerField[] {
    return this.#fields ?? this.#compile();
  }

  get odd(): boolean {
    return this.#odd;
  }

  find(number: number): AnswerField | undefined {
    return number < direct ? this.#near[number] : this.#far.get(number);
  }

  #compile(): readonly AnswerField[] {
    const { only } = this;
    const taken = only ? [only] : this.desc.fields.toSorted((a, b) => a.number - b.number);
    const fields = taken.map((field, index) => answerField(this.desc, field, index));
    this.#odd =
      this.desc.oneofs.length > 31 || taken.some((it) => "delimitedEncoding" in it && it.delimitedEncoding);
    const top = fields.reduce((most, { number }) => (number < direct ? Math.max(most, number) : most), 0);
    this.#near = Array.from({ length: top + 1 }, () => undefined);
    for (const field of fields) {
      if (field.number < direct) this.#near[field.number] = field;
      else this.#far.set(field.number, field);
    }
    this.#fields = fields;
    return fields;
  }
}

const isUnpackable = (kind: kinds.Kind) => kinds.wireTypeOf(kind) === kinds.DELIMITED;

function answerField(desc: DescMessage, field: DescField, index: number): AnswerField {
  const kind = kinds.kindOf(field);
  const shape = field.fieldKind === "list" ? LIST : field.fieldKind === "map" ? MAP : SINGLE;
  const { message, enum: names } = field;
  const inner =
    kind === kinds.WRAPPER && message?.fields[0] ? kinds.kindOf(message.fields[0]) : kinds.MESSAGE;
  const name = `,${JSON.stringify(field.name)}:`;
  const zero = zeroText(kind === kinds.WRAPPER ? inner : kind, names);
  return {
    index,
    number: field.number,
    shape,
    kind,
    wireType: shape === MAP ? kinds.DELIMITED : kinds.wireTypeOf(kind),
    packable: shape === LIST && !isUnpackable(kind),
    oneof: field.oneof === undefined ? 0 : 1 << desc.oneofs.indexOf(field.oneof),
    prefix: Buffer.from(name),
    absent: Buffer.from(absentText(field, name, zero)),
    mapKey: field.fieldKind === "map" ? field.mapKey : ScalarType.STRING,
    inner,
    zero: Buffer.from(zero),
    enumTexts: names && enumTexts(names),
    closed: names !== undefined && !names.open,
    message: message && answerPlanOf(message),
  };
}

/** A page is easier to write when lists and plain fields are always there. */
function absentText(field: DescField, name: string, zero: string): string {
  if (field.fieldKind === "list") return `${name}[]`;
  if (field.fieldKind === "map") return `${name}{}`;
  return field.presence === FeatureSet_FieldPresence.IMPLICIT ? name + zero : "";
}

function zeroText(kind: kinds.Kind, names: DescEnum | undefined): string {
  switch (kind) {
    case kinds.STRING:
    case kinds.BYTES:
      return '""';
    case kinds.BOOL:
      return "false";
    case kinds.ENUM:
      return names?.values[0] === undefined ? "0" : enumText(names, names.values[0].jsonName);
    case kinds.INT64:
    case kinds.SINT64:
    case kinds.UINT64:
    case kinds.FIXED64:
    case kinds.SFIXED64:
      return '"0"';
    default:
      return "0";
  }
}

const enumText = (desc: DescEnum, name: string): string =>
  desc.typeName === "google.protobuf.NullValue" ? "null" : JSON.stringify(name);

const texts = new WeakMap<DescEnum, ReadonlyMap<number, Buffer>>();
function enumTexts(desc: DescEnum): ReadonlyMap<number, Buffer> {
  let found = texts.get(desc);
  if (found === undefined) {
    // Of several names of a number the first declared is the one that counts.
    const pairs = desc.values.map(
      ({ jsonName, number }) => [number, Buffer.from(enumText(desc, jsonName))] as const,
    );
    found = new Map(pairs.toReversed());
    texts.set(desc, found);
  }
  return found;
}

const plans = new WeakMap<DescMessage, AnswerPlan>();

/** The plan by which a message is read; one per type. */
export function answerPlanOf(desc: DescMessage): AnswerPlan {
  let plan = plans.get(desc);
  if (plan === undefined) {
    plan = new LazyPlan(desc);
    plans.set(desc, plan);
  }
  return plan;
}

/** A plan that reads one field and passes over the others. */
export const planOfField = (field: DescField): AnswerPlan => new LazyPlan(field.parent, field);
