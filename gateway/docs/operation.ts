import { methodName } from "#mesh/contract/options.ts";
import type { Binding } from "../routing/binding.ts";
import type { Audience } from "./access.ts";
import { bearer } from "./access.ts";
import { answersOf } from "./answers.ts";
import { bodyOf } from "./body.ts";
import { commentOf } from "./comments.ts";
import type { Operation, Parameter } from "./document.ts";
import { refTo } from "./document.ts";
import { takesKey } from "./failures.ts";
import { mostQueryParameters } from "./limits.ts";
import { statedBy } from "./policy.ts";
import { queryOf } from "./query.ts";
import type { Components } from "./schema/components.ts";
import { firstSentence, spaced } from "./words.ts";

export interface OperationOptions {
  readonly operationId: string;
  readonly audience: Audience;
  readonly pathParameters: readonly Parameter[];
  /** The request, or something in it, has rules that can be broken. */
  readonly hasRules: boolean;
}

/** One binding as an operation. */
export function operationOf(binding: Binding, options: OperationOptions, components: Components): Operation {
  const { method } = binding;
  const { operationId, audience, pathParameters, hasRules } = options;
  const comment = commentOf(method);
  const stated = statedBy(method, audience);
  const query = queryOf(binding, components);
  const requestBody = bodyOf(binding, components);
  const parameters = [
    ...pathParameters,
    ...query.parameters,
    ...(takesKey(binding) ? [refTo("parameters", "Idempotency-Key")] : []),
  ];
  const more = query.cut
    ? [`Not all parameters are shown: there are more than ${mostQueryParameters}, or they nest deeper.`]
    : [];
  const facts = [...stated.sentences, ...more].join(" ");
  const isDeprecated = method.deprecated || method.parent.deprecated || method.parent.file.deprecated;
  return {
    operationId,
    tags: [method.parent.typeName],
    summary: comment ? firstSentence(comment) : spaced(method.name),
    description: comment ? `${comment}\n\n${facts}` : facts,
    ...(isDeprecated && { deprecated: true }),
    ...(parameters.length > 0 && { parameters }),
    ...(requestBody && { requestBody }),
    responses: answersOf(binding, hasRules, components),
    security: audience.kind === "public" ? [] : [{ [bearer]: [] }],
    "x-rpc": methodName(method),
    ...stated.extensions,
  };
}
