// The script of a web page, as a browser gets it: no bundler, no Node.
import type { DescService } from "@bufbuild/protobuf";
import { create, createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { CallOptions, Transport } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { AuthService } from "#gen/user/v1/auth_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";

export interface Asking {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  /** Those that the browser lets the page read. */
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever is in it.
  body: any;
}

const transports = {
  "Connect with JSON": (baseUrl: string) => createConnectTransport({ baseUrl }),
  "Connect in binary": (baseUrl: string) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "Connect with GET": (baseUrl: string) => createConnectTransport({ baseUrl, useHttpGet: true }),
  "Connect with GET in binary": (baseUrl: string) =>
    createConnectTransport({ baseUrl, useHttpGet: true, useBinaryFormat: true }),
  "gRPC-Web in binary": (baseUrl: string) => createGrpcWebTransport({ baseUrl }),
  "gRPC-Web with JSON": (baseUrl: string) => createGrpcWebTransport({ baseUrl, useBinaryFormat: false }),
} satisfies Record<string, (baseUrl: string) => Transport>;

export type Protocol = keyof typeof transports;

export interface Outcome<Value> {
  value?: Value;
  /** Names of Connect's codes. */
  code?: string;
  message?: string;
  violated?: string[];
  headers: Record<string, string>;
}

interface Item {
  eventId: string;
  text: string;
}

interface Following {
  followMine(wish: { count: number }, options: CallOptions): AsyncIterable<Item>;
}

const app = {
  async ask(url: string, verb: string, path: string, asking: Asking = {}): Promise<Answer> {
    const { token, body, headers = {} } = asking;
    const response = await fetch(`${url}${path}`, {
      method: verb,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return answerOf(response);
  },

  /** Why a request does not get through, as the browser says it. */
  async refusal(url: string, verb: string, path: string, asking: Asking = {}): Promise<string> {
    try {
      return `it got through: ${(await app.ask(url, verb, path, asking)).status}`;
    } catch (error) {
      return String(error);
    }
  },

  /** Sends a form with a file. */
  async upload(url: string, token: string, title: string, name: string, bytes: number): Promise<Answer> {
    const form = new FormData();
    form.append("title", title);
    form.append("file", new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    const headers = { authorization: `Bearer ${token}` };
    return answerOf(await fetch(`${url}/api/v1/news/file`, { method: "POST", headers, body: form }));
  },

  getProfile: (url: string, protocol: Protocol, token: string) =>
    outcomeOf(token, async (options) => {
      const { user } = await createClient(UserService, transports[protocol](url)).getProfile({}, options);
      return { email: user?.email, displayName: user?.profile?.displayName };
    }),

  setDisplayName: (url: string, protocol: Protocol, token: string, displayName: string) =>
    outcomeOf(token, async (options) => {
      const users = createClient(UserService, transports[protocol](url));
      const change = { profile: { displayName }, updateMask: { paths: ["display_name"] } };
      return (await users.updateProfile(change, options)).user?.profile?.displayName;
    }),

  registerBadly: (url: string, protocol: Protocol) =>
    outcomeOf("", async (options) => {
      await createClient(AuthService, transports[protocol](url)).register({ email: "no" }, options);
    }),

  /** Follows a stream by a client of a contract that is known only as it runs. */
  follow: (url: string, protocol: Protocol, token: string, files: readonly string[], count: number) =>
    outcomeOf(token, async (options) => {
      const contract = contractOf(files, "news.v1.NewsService");
      const client = createClient(contract, transports[protocol](url)) as unknown as Following;
      const items: Item[] = [];
      for await (const { eventId, text } of client.followMine({ count }, options))
        items.push({ eventId, text });
      return items;
    }),

  /** Follows server-sent events as browsers do, until the stream has said `ends` times that it is over. */
  listen: (url: string, path: string, ends: number) =>
    new Promise<{ id: string; data: string }[]>((resolve, reject) => {
      const source = new EventSource(`${url}${path}`);
      const events: { id: string; data: string }[] = [];
      source.addEventListener("message", ({ lastEventId, data }) => events.push({ id: lastEventId, data }));
      source.addEventListener("end", () => {
        if (--ends > 0) return;
        source.close();
        resolve(events);
      });
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) reject(new Error("the browser gave up"));
      });
    }),

  /** Reads server-sent events by `fetch`, which can say who asks, and goes away after some of them. */
  async glance(url: string, path: string, token: string, events: number): Promise<Answer> {
    const leaving = new AbortController();
    const headers = { accept: "text/event-stream", authorization: `Bearer ${token}` };
    const response = await fetch(`${url}${path}`, { headers, signal: leaving.signal });
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.split("\ndata: ").length > events) break;
    }
    leaving.abort();
    return { status: response.status, headers: Object.fromEntries(response.headers), body: text };
  },
};

export type App = typeof app;

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  const body = isJson && text ? JSON.parse(text) : text;
  return { status: response.status, headers: Object.fromEntries(response.headers), body };
}

async function outcomeOf<Value>(
  token: string,
  call: (options: CallOptions) => Promise<Value>,
): Promise<Outcome<Value>> {
  let headers: Record<string, string> = {};
  try {
    const value = await call({
      ...(token && { headers: { authorization: `Bearer ${token}` } }),
      onHeader: (header) => {
        headers = Object.fromEntries(header);
      },
      timeoutMs: 10_000,
    });
    return { value, headers };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const violations = error.findDetails(ViolationsSchema).flatMap((it) => it.violations);
    return {
      code: Code[error.code],
      message: error.rawMessage,
      violated: violations.map(({ field }) => field?.elements.map((it) => it.fieldName).join(".") ?? ""),
      headers: Object.fromEntries(error.metadata),
    };
  }
}

function contractOf(files: readonly string[], name: string): DescService {
  const file = files.map((it) => fromBinary(FileDescriptorProtoSchema, base64Decode(it)));
  const contract = createFileRegistry(create(FileDescriptorSetSchema, { file })).getService(name);
  if (!contract) throw new Error(`there is no ${name}`);
  return contract;
}

Object.assign(globalThis, { app });
