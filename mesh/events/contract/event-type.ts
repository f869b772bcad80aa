import type { DescMessage, Message } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { event as eventOption } from "#gen/mesh/v1/options_pb.js";
import { fail } from "../../errors.ts";
import { isEventSubject } from "./subject.ts";

/** What a contract says of an event, read once. */
export interface EventType {
  /** Full name of its message, such as `order.v1.OrderCreated`. */
  readonly name: string;
  /** Such as `order.created`. */
  readonly subject: string;
  /** The stream that keeps it, with all other events of its service. */
  readonly stream: string;
  /** The aggregate that a message is about; empty when its contract names none. */
  keyOf(message: Message): string;
}

const types = new WeakMap<DescMessage, EventType>();

export function eventTypeOf(schema: DescMessage): EventType {
  const known = types.get(schema);
  if (known) return known;
  const type = compile(schema);
  types.set(schema, type);
  return type;
}

/** All events that stand in the same file, which is all events of a service. */
export function eventsBeside(schema: DescMessage): EventType[] {
  return schema.file.messages.filter((it) => hasOption(it, eventOption)).map(eventTypeOf);
}

function compile(schema: DescMessage): EventType {
  const { typeName: name } = schema;
  if (!hasOption(schema, eventOption)) {
    throw bad(name, "is no event", "give it option (mesh.v1.event)");
  }
  const { subject, key } = getOption(schema, eventOption);
  if (!isEventSubject(subject) || /[*>]/.test(subject)) {
    throw bad(name, `has the subject "${subject}"`, "write it like order.created");
  }
  return { name, subject, stream: streamOf(schema), keyOf: keyReader(schema, key) };
}

function keyReader(schema: DescMessage, key: string): EventType["keyOf"] {
  if (key === "") return () => "";
  const field = schema.fields.find((it) => it.name === key);
  if (field?.fieldKind !== "scalar") {
    throw bad(schema.typeName, `has the key "${key}"`, "name one of its fields that holds text or a number");
  }
  return (message) => String(reflect(schema, message).get(field));
}

/** `events_order` for the package `order.v1`: the next version of an event goes the same way. */
const streamOf = ({ file }: DescMessage): string =>
  `events_${file.proto.package.replace(/\.v\d+\w*$/, "").replaceAll(".", "_")}`;

const bad = (name: string, what: string, remedy: string): Error =>
  fail.precondition("bad_event", `${name} ${what}`, { remedy: `${remedy}, in its contract` });
