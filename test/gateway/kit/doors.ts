import type { DescMethod, JsonObject } from "@bufbuild/protobuf";
import { fromJson, toJsonString } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { codeName, reasonOf } from "#mesh/errors.ts";
import type { Binding } from "../../../gateway/routing/binding.ts";
import { ask } from "./platform.ts";
import { restOf } from "./samples.ts";

/** How a call ended, in words that are the same for all protocols. */
export interface Outcome {
  /** `ok`, or gRPC's name of what kind of failure it is. */
  readonly code: string;
  readonly reason: string;
  /** All that was said, to be searched. */
  readonly text: string;
  /** HTTP's, where the answer is by REST. */
  readonly status: number | undefined;
  readonly headers: Headers | undefined;
}

/** One way to make a call. */
export interface Door {
  readonly name: string;
  readonly call: (method: DescMethod, message: JsonObject, token: string | undefined) => Promise<Outcome>;
}

export interface Doors extends Disposable {
  /** RPC in each protocol. */
  readonly rpc: readonly Door[];
  rest(binding: Binding): Door;
}

export function openDoors(url: string): Doors {
  const sessionManager = new Http2SessionManager(url);
  const transports: Record<string, Transport> = {
    "Connect, JSON": createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false }),
    "Connect, GET": createConnectTransport({ baseUrl: url, httpVersion: "1.1", useHttpGet: true }),
    gRPC: createGrpcTransport({ baseUrl: url, sessionManager }),
    "gRPC-Web": createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1" }),
  };
  return {
    rpc: Object.entries(transports).map(([name, transport]) => ({
      name,
      call: (method, message, token) => callBy(transport, method, message, token),
    })),
    rest: (binding) => ({
      name: `${binding.verb} ${binding.template.text}`,
      call: (_method, message, token) => callByRest(url, binding, message, token),
    }),
    [Symbol.dispose]: () => sessionManager.abort(),
  };
}

type Method = (input: unknown, options: object) => Promise<never>;

async function callBy(
  transport: Transport,
  method: DescMethod,
  message: JsonObject,
  token: string | undefined,
): Promise<Outcome> {
  const client = createClient(method.parent, transport) as unknown as Record<string, Method>;
  const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` });
  try {
    const answer = await client[method.localName]?.(fromJson(method.input, message), {
      headers,
      timeoutMs: 15_000,
    });
    const text = toJsonString(method.output, answer as never);
    return { code: "ok", reason: "", text, status: undefined, headers: undefined };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const details = error.details.map((it) =>
      "value" in it && it.value instanceof Uint8Array
        ? Buffer.from(it.value).toString("latin1")
        : JSON.stringify(it),
    );
    const fields: string[] = [];
    error.metadata.forEach((value, name) => {
      fields.push(`${name}: ${value}`);
    });
    const text = [error.rawMessage, ...details, ...fields].join("\n");
    return {
      code: codeName(error.code),
      reason: reasonOf(error),
      text,
      status: undefined,
      headers: undefined,
    };
  }
}

async function callByRest(
  url: string,
  binding: Binding,
  message: JsonObject,
  token: string | undefined,
): Promise<Outcome> {
  const { verb, path, body } = restOf(binding, message);
  const {
    status,
    headers,
    body: answer,
  } = await ask(url, verb, path, {
    ...(token !== undefined && { token }),
    ...(body !== undefined && { body }),
  });
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  if (status < 300) return { code: "ok", reason: "", text, status, headers };
  return { code: answer.code ?? "none", reason: answer.reason ?? "none", text, status, headers };
}
