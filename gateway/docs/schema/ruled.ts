import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { hasOption } from "@bufbuild/protobuf";
import {
  message as messageOption,
  oneof as oneofOption,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { fieldRules } from "./field-rules.ts";

/** Which messages are held to rules, and which may be: what only answers have is not. */
export interface Ruled {
  /** Messages with rules, in themselves or further in. */
  readonly ruled: ReadonlySet<DescMessage>;
  /** Messages that are sent to services, by themselves or within others. */
  readonly sent: ReadonlySet<DescMessage>;
}

export function ruledOf(methods: Iterable<DescMethod>): Ruled {
  const users = new Map<DescMessage, Set<DescMessage>>();
  const sent = new Set<DescMessage>();
  for (const { input, output } of methods) {
    sent.add(input);
    users.set(input, new Set()).set(output, new Set());
  }
  // What is added to a set or map while it is walked is walked as well.
  for (const message of sent) for (const { message: inner } of message.fields) if (inner) sent.add(inner);
  for (const [message] of users) {
    for (const { message: inner } of message.fields) {
      if (inner) users.set(inner, (users.get(inner) ?? new Set()).add(message));
    }
  }
  const ruled = new Set([...users.keys()].filter(hasRules));
  for (const message of ruled) for (const user of users.get(message) ?? []) ruled.add(user);
  return { ruled, sent };
}

const hasRules = (message: DescMessage): boolean =>
  hasOption(message, messageOption) ||
  message.fields.some((it) => fieldRules(it) !== undefined) ||
  message.oneofs.some((it) => hasOption(it, oneofOption));
