import { text as readAll } from "node:stream/consumers";
import type { DescMethod, DescMethodStreaming, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { create, createRegistry, fromJsonString, toJson, toJsonString } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { codeName, fail, methodName } from "#mesh";
import { loadCatalog } from "../catalog.ts";
import { allMethods, findMethod, serviceToken, transportTo, urlOf } from "../client.ts";
import type { Command } from "../command.ts";
import { usageError } from "../command.ts";
import { readState, requireState } from "../state.ts";
import { note, paint, print, printJson } from "../terminal.ts";

export const call: Command = {
  name: "call",
  summary: "Call a method with JSON and print its answer",
  usage: `<method> [json] [--token <token>] [--as <service>] [--to <url>] [--timeout <seconds>] [--header name=value]
       weft call --list

  <method>    such as user.v1.AuthService/Login; an ending that only one has will do
  [json]      the request; - reads it from standard input
  --token     access token of a user (see \`weft token\`), or WEFT_TOKEN
  --as        call as this service, or as operator, with its key in .weft/keys
  --to        where the service is; default: as the running platform says
  --timeout   in seconds; default 30
  --header    a further header; may be repeated
  --list      every method there is

A stream prints one JSON object a line.`,
  flags: {
    token: { type: "string" },
    as: { type: "string" },
    to: { type: "string" },
    timeout: { type: "string", default: "30" },
    header: { type: "string", multiple: true },
    list: { type: "boolean" },
  },
  run: async ({ words, flags, workspace }) => {
    const services = await loadCatalog(workspace);
    if (flags.list) {
      for (const method of allMethods(services)) print(methodName(method));
      return 0;
    }
    const [name, body = "{}"] = words;
    if (!name) throw usageError("name a method", call);
    const { method, service } = findMethod(services, name);
    if (method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming") {
      throw fail.unimplemented("client_stream", `${methodName(method)} takes a stream`, {
        remedy: "use buf curl for that",
      });
    }
    const request = readRequest(method, body === "-" ? await readAll(process.stdin) : body);
    const state = typeof flags.to === "string" ? await readState(workspace) : await requireState(workspace);
    const headers = readHeaders(flags.header);
    const bearer =
      typeof flags.as === "string"
        ? await serviceToken({
            workspace,
            securityUrl: urlOf(services, state, "security"),
            name: flags.as,
            callee: service,
          })
        : (flags.token ?? process.env.WEFT_TOKEN);
    if (bearer) headers.authorization = `Bearer ${bearer}`;
    const url = typeof flags.to === "string" ? flags.to : urlOf(services, state, service);
    const timeoutMs = Number(flags.timeout) * 1000;
    if (!(timeoutMs > 0)) throw usageError("--timeout must be a number of seconds", call);

    try {
      await send(method, request, transportTo(url, headers), timeoutMs);
      return 0;
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      showError(error, flags.json === true, url);
      return 1;
    }
  },
};

type Request = MessageInitShape<DescMethod["input"]>;

function readRequest(method: DescMethod, body: string): Request {
  try {
    return fromJsonString(method.input, body.trim() || "{}", {
      registry: createRegistry(method.parent.file),
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw fail.invalid("bad_request", `the request is no ${method.input.typeName}: ${why}`, { cause });
  }
}

function readHeaders(given: unknown): Record<string, string> {
  const pairs = Array.isArray(given) ? given.map(String) : [];
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", value] = pair.split(/=(.*)/s);
      if (!name || value === undefined) throw usageError(`--header "${pair}" is not name=value`, call);
      return [name, value];
    }),
  );
}

async function send(
  method: DescMethod,
  request: Request,
  transport: ReturnType<typeof transportTo>,
  timeoutMs: number,
): Promise<void> {
  const input = create(method.input, request);
  if (method.methodKind === "unary") {
    const answer = await transport.unary(method as DescMethodUnary, undefined, timeoutMs, undefined, input);
    print(toJsonString(method.output, answer.message, { prettySpaces: 2 }));
    return;
  }
  if (method.methodKind !== "server_streaming") return;
  const answer = await transport.stream(
    method as DescMethodStreaming,
    undefined,
    timeoutMs,
    undefined,
    once(input),
  );
  for await (const message of answer.message) print(toJsonString(method.output, message));
}

async function* once<T>(value: T): AsyncIterable<T> {
  yield value;
}

function showError(error: ConnectError, json: boolean, url: string): void {
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const code = codeName(error.code);
  if (json) {
    const details = [info && toJson(ErrorInfoSchema, info), retry && toJson(RetryInfoSchema, retry)].filter(
      Boolean,
    );
    printJson({ code, message: error.rawMessage, details });
    return;
  }
  const reason = info ? ` (${info.reason})` : "";
  note(`${paint("red", code)}${reason}: ${error.rawMessage} ${paint("dim", `[${url}]`)}`);
}
