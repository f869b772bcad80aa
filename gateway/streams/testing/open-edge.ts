import type { Call, Implementation } from "#mesh";
import { fail } from "#mesh";
import type { ServerLimits } from "#mesh/bounds/limits.ts";
import { serverLimits } from "#mesh/bounds/limits.ts";
import { createNetwork } from "#mesh/client/network.ts";
import { compilePolicies } from "#mesh/contract/policy.ts";
import { createStaticDirectory } from "#mesh/discovery/static-directory.ts";
import { createLogger } from "#mesh/log/logger.ts";
import { createMetrics } from "#mesh/metrics/metrics.ts";
import type { Authenticator } from "#mesh/rpc/authenticate.ts";
import { nobody } from "#mesh/rpc/authenticate.ts";
import { idsOf } from "#mesh/rpc/ids.ts";
import { createRpc } from "#mesh/rpc/rpc.ts";
import type { Front } from "#mesh/server/front.ts";
import { openPort } from "#mesh/server/port.ts";
import { createTelemetry } from "#mesh/telemetry/telemetry.ts";
import type { LogLine } from "#mesh/testing/logs.ts";
import { collectLogs } from "#mesh/testing/logs.ts";
import { silentTelemetry } from "#mesh/testing/telemetry.ts";
import { Exchange } from "../../edge/exchange.ts";
import { answerByRoute } from "../../edge/rest.ts";
import { headerOf } from "../../edge/rest-arrival.ts";
import { bindingsOf } from "../../routing/bindings-of.ts";
import { createRouter } from "../../routing/router.ts";
import { createPart } from "../../served/part.ts";
import type { StreamPolicy } from "../policy.ts";
import { streamPolicy } from "../policy.ts";
import { createStreamCall } from "../stream-call.ts";
import type { Body, Note, Upload } from "./files-contract.ts";
import { FilesService, filesRegistry } from "./files-contract.ts";

type Answers<O> = AsyncIterable<Partial<O>>;
interface Receipt {
  folder: string;
  filename: string;
  contentType: string;
  bytes: bigint;
  copies: number;
  tags: string[];
  largest: number;
}

export interface FilesHandlers {
  count(note: Note, call: Call): Answers<Note>;
  search(note: Note, call: Call): Answers<Note>;
  follow(note: Note, call: Call): Answers<Note>;
  brief(note: Note, call: Call): Answers<Note>;
  inner(note: Note, call: Call): Answers<Note>;
  sum(notes: AsyncIterable<Note>, call: Call): Promise<Partial<Note>>;
  chat(notes: AsyncIterable<Note>, call: Call): Answers<Note>;
  download(note: Note, call: Call): Answers<Body>;
  wrapped(note: Note, call: Call): Answers<{ note: string; file: Partial<Body> }>;
  put(uploads: AsyncIterable<Upload>, call: Call): Promise<Partial<Receipt>>;
  putRaw(bodies: AsyncIterable<Body>, call: Call): Promise<Partial<Receipt>>;
  convert(bodies: AsyncIterable<Body>, call: Call): Answers<Body>;
}

const unused = () => {
  throw fail.unimplemented("unused", "this test does not use it");
};

async function countUp({ number }: Note) {
  return Array.from({ length: Number(number) }, (_, index) => ({ number: BigInt(index + 1) }));
}

/** What each method does unless a test says otherwise. */
const usual: FilesHandlers = {
  async *count(note) {
    yield* await countUp(note);
  },
  async *search(note) {
    yield* await countUp(note);
  },
  follow: unused,
  brief: unused,
  inner: unused,
  async sum(notes) {
    let number = 0n;
    let text = "";
    for await (const note of notes) {
      number += note.number;
      text = note.text;
    }
    return { number, text };
  },
  async *chat(notes) {
    for await (const note of notes) yield { text: `heard ${note.text}` };
  },
  download: unused,
  wrapped: unused,
  async put(uploads) {
    let first: Upload | undefined;
    let bytes = 0n;
    let largest = 0;
    for await (const upload of uploads) {
      first ??= upload;
      const size = upload.file?.data.length ?? 0;
      bytes += BigInt(size);
      largest = Math.max(largest, size);
    }
    const { folder = "", filename = "", copies = 0, tags = [], file } = first ?? {};
    return { folder, filename, copies, tags, contentType: file?.contentType ?? "", bytes, largest };
  },
  async putRaw(bodies) {
    let bytes = 0n;
    const contentTypes: string[] = [];
    for await (const { contentType, data } of bodies) {
      if (contentType !== "") contentTypes.push(contentType);
      bytes += BigInt(data.length);
    }
    return { bytes, contentType: contentTypes.join() };
  },
  async *convert(bodies) {
    for await (const { contentType, data } of bodies) {
      yield {
        contentType: contentType === "" ? "" : "text/shouted",
        data: Buffer.from(Buffer.from(data).toString().toUpperCase()),
      };
    }
  },
};

export interface Edge extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly stopping: AbortController;
  /** The gateway's lines about calls, once there are as many as wanted. */
  calls(wanted?: number): Promise<readonly LogLine[]>;
}

export interface EdgeOptions {
  readonly limits?: Partial<ServerLimits>;
  readonly policy?: Partial<StreamPolicy>;
  readonly uploadBytes?: number;
  readonly bodyBytes?: number;
  /** Of the callee. */
  readonly authenticate?: Authenticator;
}

/** A service on a port of its own, and before it a port that answers by routes as the gateway does. */
export async function openEdge(own: Partial<FilesHandlers> = {}, options: EdgeOptions = {}): Promise<Edge> {
  const logs = collectLogs();
  const log = createLogger({ service: "gateway", level: "info", contracts: [], destination: logs });
  const quiet = createLogger({ service: "files", level: "silent", contracts: [], destination: logs });
  const stopping = new AbortController();
  const policies = compilePolicies("files", [FilesService]);
  const anybody: Authenticator = async () => nobody;
  const implementation = {
    contract: FilesService,
    handlers: { ...usual, ...own },
  } as unknown as Implementation;
  const served = createRpc({
    implementations: [implementation],
    policies,
    authenticate: options.authenticate ?? anybody,
    telemetry: silentTelemetry("files"),
    log: quiet,
    stopping: new AbortController().signal,
  });
  const local = { host: "127.0.0.1", port: 0, routes: new Map() };
  const callee = await openPort({ ...local, rpc: served, log: quiet });

  const telemetry = createTelemetry({
    service: "gateway",
    log,
    metrics: createMetrics("gateway"),
    destination: logs,
  });
  const network = createNetwork({
    callerId: "gateway-1",
    directory: createStaticDirectory({ files: `http://127.0.0.1:${callee.port}` }),
    telemetry: silentTelemetry("gateway"),
  });
  const common = { authenticate: anybody, telemetry, log, stopping: stopping.signal };
  const nothing = createRpc({ ...common, implementations: [], policies: new Map() });
  const { bindings, problems } = bindingsOf(FilesService);
  if (problems.length > 0) throw new Error(problems.join());
  const part = createPart(
    { service: "files", registry: filesRegistry, contracts: [FilesService], bindings },
    { ...common, network, own: nothing, meter: undefined, enter: () => new Headers() },
  );
  const router = createRouter(part.routes);
  const answer = createStreamCall({
    network,
    body: { bytes: options.bodyBytes ?? 1024 * 1024, ms: 5000 },
    uploadBytes: options.uploadBytes ?? 2 ** 30,
    policy: { ...streamPolicy, ...options.policy },
  });
  const front: Front = {
    greet: () => false,
    handler: () => undefined,
    serve(request, response, openHold) {
      const [path = "", query = ""] = (request.url ?? "").split("?", 2);
      const match = router.match(request.method ?? "", path);
      const ids = idsOf({ header: (name) => headerOf(request, name) });
      const client = request.socket?.remoteAddress ?? "";
      const means = { request, response, ids, client, origin: undefined, secure: false, openHold };
      const exchange = new Exchange(means);
      if (!match) return exchange.fail(fail.notFound("route_not_found", path));
      return answerByRoute(answer, exchange, match, query);
    },
  };
  const limits = { ...serverLimits, ...options.limits };
  const port = await openPort({ ...local, rpc: nothing, front, log, limits });
  const about = () => logs.lines.filter((it) => it.method !== undefined);
  return {
    url: `http://127.0.0.1:${port.port}`,
    port: port.port,
    stopping,
    calls: async (wanted = 1) => {
      for (let i = 0; i < 400 && about().length < wanted; i++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      return about();
    },
    [Symbol.asyncDispose]: async () => {
      await port.drain(0);
      network.close();
      await callee.drain(0);
    },
  };
}
