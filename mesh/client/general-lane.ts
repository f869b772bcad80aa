import type { Registry } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { CommonTransportOptions, Compression } from "@connectrpc/connect/protocol";
import { createTransport as connect } from "@connectrpc/connect/protocol-connect";
import { createTransport as grpc } from "@connectrpc/connect/protocol-grpc";
import { createTransport as grpcWeb } from "@connectrpc/connect/protocol-grpc-web";
import { compressionGzip } from "@connectrpc/connect-node";
import { serverLimits } from "../bounds/limits.ts";
import { fail, isTimeout } from "../errors.ts";
import { openHttp1, openHttp2 } from "./http-client.ts";

export type Protocol = "connect" | "grpc" | "grpc-web";

export interface GeneralLaneOptions {
  /** Where the instance is, such as `http://10.0.0.4:8012`. */
  baseUrl: string;
  /** Default `connect`. */
  protocol?: Protocol;
  /** Default `2`. gRPC needs it, and so do calls that stream both ways. */
  http?: "1.1" | "2";
  /** Default `binary`. */
  codec?: "binary" | "json";
  /** Compresses requests. Default: none, since within a cluster it costs more than it saves. */
  sendCompression?: Compression;
  /** Compressed answers that are taken. Default: gzip. */
  acceptCompression?: Compression[];
  /** Messages smaller than this are sent as they are. Default 1 KiB. */
  compressMinBytes?: number;
  /** Largest message that is taken. Default 4 MiB. */
  readMaxBytes?: number;
  /** Largest message that is sent. Default 4 MiB. */
  writeMaxBytes?: number;
  /** Sends calls without side effects as GET, which caches understand. Default no. */
  useHttpGet?: boolean;
  /** Types that may stand in a `google.protobuf.Any` when messages are JSON. Default none. */
  registry?: Registry;
}

export interface GeneralLane {
  readonly transport: Transport;
  /** For when there are no more calls: ends the lane's connections once those that run have ended. */
  leave(): void;
  /** Ends the lane's connections, and the calls that still run on them. */
  close(): void;
}

const transports = { connect, grpc, "grpc-web": grpcWeb };

/** The lane for what the express lane does not carry: streams, compression, gRPC and gRPC-Web. */
export function openGeneralLane(options: GeneralLaneOptions): GeneralLane {
  const { baseUrl, protocol = "connect", http = "2", codec = "binary", registry } = options;
  const wire = http === "2" ? openHttp2(baseUrl) : openHttp1();
  const common: CommonTransportOptions = {
    baseUrl,
    httpClient: wire.send,
    useBinaryFormat: codec === "binary",
    interceptors: [],
    acceptCompression: options.acceptCompression ?? [compressionGzip],
    sendCompression: options.sendCompression ?? null,
    compressMinBytes: options.compressMinBytes ?? 1024,
    readMaxBytes: options.readMaxBytes ?? serverLimits.messageBytes,
    writeMaxBytes: options.writeMaxBytes ?? serverLimits.messageBytes,
    useHttpGet: options.useHttpGet ?? false,
    ...(registry && { jsonOptions: { registry } }),
  };
  return { transport: endingWell(transports[protocol](common)), leave: wire.leave, close: wire.close };
}

/** Says why a call ended, and ends one whose answers nobody reads any more. */
function endingWell(transport: Transport): Transport {
  return {
    unary(method, signal, timeoutMs, header, input, values) {
      const explain = explainer(signal, timeoutMs);
      return transport.unary(method, signal, timeoutMs, header, input, values).catch(explain);
    },
    async stream(method, signal, timeoutMs, header, input, values) {
      const left = new AbortController();
      const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
      const explain = explainer(signal, timeoutMs);
      const response = await transport
        .stream(method, either, timeoutMs, header, input, values)
        .catch(explain);
      return { ...response, message: leavable(response.message, left, explain) };
    },
  };
}

/** The protocol library drops `return`, so whoever leaves early would have the answers sent on to nobody. */
function leavable<T>(
  messages: AsyncIterable<T>,
  left: AbortController,
  explain: (error: unknown) => never,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        next: () => iterator.next().catch(explain),
        return: async () => {
          left.abort(new ConnectError("nobody reads the answers any more", Code.Canceled));
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** A callee keeps the deadline too; its clock may be this much ahead of ours. */
const earlyMs = 10;

/** A deadline is often seen as something else: a signal that ends, or a callee that hangs up first. */
function explainer(signal: AbortSignal | undefined, timeoutMs: number | undefined) {
  const endsAt = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
  return (error: unknown): never => {
    const byTimer = signal?.aborted && isTimeout(signal.reason);
    const byCallee =
      !signal?.aborted &&
      ConnectError.from(error).code === Code.Canceled &&
      endsAt - performance.now() <= earlyMs;
    if (!byTimer && !byCallee) throw error;
    throw fail.deadline("deadline_exceeded", "the call did not end within its deadline", { cause: error });
  };
}
