import type { DescEnum, DescField, DescMessage, DescService } from "@bufbuild/protobuf";

/** The messages and enums that can occur in calls, by full name. */
export interface Reachable {
  readonly messages: ReadonlyMap<string, DescMessage>;
  readonly enums: ReadonlyMap<string, DescEnum>;
}

export function reachableFrom(contracts: readonly Pick<DescService, "methods">[]): Reachable {
  const messages = new Map<string, DescMessage>();
  const enums = new Map<string, DescEnum>();
  const waiting: DescMessage[] = contracts.flatMap(({ methods }) =>
    methods.flatMap(({ input, output }) => [input, output]),
  );
  // Without recursion, as messages may be nested as deep as somebody likes.
  for (let message = waiting.pop(); message; message = waiting.pop()) {
    if (messages.has(message.typeName)) continue;
    messages.set(message.typeName, message);
    for (const field of message.fields) {
      const part = partOf(field);
      if (part?.kind === "message") waiting.push(part);
      else if (part?.kind === "enum") enums.set(part.typeName, part);
    }
  }
  return { messages, enums };
}

/** What a field holds one or more of, if it is no scalar. */
function partOf(field: DescField): DescMessage | DescEnum | undefined {
  return field.message ?? field.enum;
}
