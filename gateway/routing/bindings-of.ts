import { METHODS } from "node:http";
import type { DescField, DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";
import { methodName, serviceOf, WeftError } from "#mesh";
import type { Binding, BoundVariable } from "./binding.ts";
import { parseTemplate } from "./parse-template.ts";
import type { Rule } from "./rules-of.ts";
import { rulesOf } from "./rules-of.ts";
import type { Template } from "./template.ts";
import { anyVerb } from "./trie.ts";

/** RFC 9110 §9.3: content has no meaning in them. In DELETE it may have one between those who agree. */
const withoutBody = new Set(["GET", "HEAD"]);
/** Answered by the gateway itself (OPTIONS), or no request for a resource at all. */
const reservedVerbs = new Set(["OPTIONS", "CONNECT", "TRACE"]);
/** A verb that the parser does not know never arrives. */
const knownVerbs = new Set([...METHODS, anyVerb]);
const httpBody = "google.api.HttpBody";

export interface Bindings {
  readonly bindings: Binding[];
  /** What is wrong with the rules, with the method's name. */
  readonly problems: string[];
}

/** All ways to call a contract by HTTP, as google.api.http states them. What is wrong has no binding. */
export function bindingsOf(contract: DescService): Bindings {
  const service = serviceOf(contract)?.name ?? "";
  const bindings: Binding[] = [];
  const problems: string[] = [];
  for (const method of contract.methods) {
    const found = rulesOf(method);
    const wrong: string[] = [...found.problems];
    for (const rule of found.rules) {
      const binding = bind(method, service, rule, wrong);
      if (binding) bindings.push(binding);
    }
    for (const what of wrong) problems.push(`${methodName(method)} ${what}`);
  }
  return { bindings, problems };
}

function bind(method: DescMethod, service: string, rule: Rule, problems: string[]): Binding | undefined {
  const template = templateOf(rule.path, problems);
  if (!template) return undefined;
  const { verb } = rule;
  const wrong: string[] = [];
  const variables = template.variables.map(({ path, multi }): BoundVariable => {
    const fields = fieldsAt(method.input, path);
    if (typeof fields === "string") wrong.push(`sets ${path} in ${template.text}, ${fields}`);
    return { fields: typeof fields === "string" ? [] : fields, multi };
  });
  if (wrong.length === 0) wrong.push(...sharedOneofs(variables));
  const body = bodyOf(method, rule, variables, wrong);
  const responseBody = rule.responseBody === "" ? undefined : topField(method.output, rule.responseBody);
  if (rule.responseBody !== "" && !responseBody)
    wrong.push(`has the response_body "${rule.responseBody}", which ${method.output.typeName} has not`);
  if (!knownVerbs.has(verb)) wrong.push(`has the verb "${verb}", which HTTP has not`);
  if (reservedVerbs.has(verb)) wrong.push(`has the verb ${verb}, which is not for services`);
  if (body !== undefined && withoutBody.has(verb)) wrong.push(`has a body in ${verb}, which has none`);
  problems.push(...wrong);
  if (wrong.length > 0) return undefined;
  return { method, service, verb, template, variables, body, responseBody };
}

function templateOf(text: string, problems: string[]): Template | undefined {
  try {
    return parseTemplate(text);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    problems.push(`is refused: ${error.rawMessage}`);
    return undefined;
  }
}

/** From the request down to a field that a path can set, or why there is none. */
function fieldsAt(request: DescMessage, path: string): readonly DescField[] | string {
  const fields: DescField[] = [];
  let message: DescMessage | undefined = request;
  for (const name of path.split(".")) {
    if (!message) return `but ${fields.at(-1)?.name} has no fields`;
    const field = topField(message, name);
    if (!field) return `but ${message.typeName} has no field "${name}"`;
    if (field.fieldKind === "list" || field.fieldKind === "map") return `but ${name} is repeated or a map`;
    fields.push(field);
    message = field.fieldKind === "message" ? field.message : undefined;
  }
  // "A non-repeated field with a primitive (non-message) type", which wrappers and timestamps are not.
  return message ? `but ${path} is a message: name a field of it` : fields;
}

const topField = (message: DescMessage, name: string): DescField | undefined =>
  message.fields.find((it) => it.name === name);

/** Two variables of which the one set last would take the other away. */
function sharedOneofs(variables: readonly BoundVariable[]): string[] {
  const taken = new Map<string, DescField>();
  const problems: string[] = [];
  for (const { fields } of variables) {
    for (const [depth, field] of fields.entries()) {
      if (!field.oneof) continue;
      const parents = fields.slice(0, depth).map((it) => `${it.name}.`);
      const key = `${parents.join("")}${field.oneof.name}`;
      const other = taken.get(key) ?? field;
      taken.set(key, other);
      if (other !== field) problems.push(`sets both ${other.name} and ${field.name} of one oneof`);
    }
  }
  return problems;
}

function bodyOf(
  method: DescMethod,
  rule: Rule,
  variables: readonly BoundVariable[],
  problems: string[],
): Binding["body"] {
  const takesStream = method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming";
  const field = rule.body === "" || rule.body === "*" ? undefined : topField(method.input, rule.body);
  if (rule.body !== "" && rule.body !== "*" && !field)
    problems.push(`has the body "${rule.body}", which is no field of ${method.input.typeName} itself`);
  if (field && variables.some(({ fields }) => fields.length === 1 && fields[0] === field))
    problems.push(`sets ${rule.body} by the path and by the body`);
  // Only a body can bring more than one message; an upload is divided into them by the gateway.
  const isUpload = field?.fieldKind === "message" && field.message.typeName === httpBody;
  if (takesStream && rule.body !== "*" && !isUpload)
    problems.push(`takes a stream, so its body must be "*" or a field of type ${httpBody}`);
  return rule.body === "*" ? "*" : field;
}
