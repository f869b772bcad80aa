import { readFileSync } from "node:fs";
import type { DescService, FileRegistry, Message } from "@bufbuild/protobuf";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import type { GenMessage, GenService } from "@bufbuild/protobuf/codegenv2";
import type { Any } from "@bufbuild/protobuf/wkt";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/**
 * The messages of the conformance suite that we read and write. The suite's own
 * contracts are not in this repository: `tools/conformance.ts` compiles them
 * from the suite's source, and the descriptors are loaded when a program starts.
 */
const scope = "connectrpc.conformance.v1";
type Named<Name extends string, Shape> = Message<`${typeof scope}.${Name}`> & Shape;

export type Header = Named<"Header", { name: string; value: string[] }>;
export type WireError = Named<"Error", { code: number; message?: string; details: Any[] }>;
type Case<Name extends string, Value> = { case: Name; value: Value };
type Unset = { case: undefined; value?: undefined };

interface Definition {
  responseHeaders: Header[];
  responseTrailers: Header[];
  responseDelayMs: number;
}
export type SingleAnswer = Named<
  "UnaryResponseDefinition",
  Definition & { response: Case<"responseData", Uint8Array> | Case<"error", WireError> | Unset }
>;
export type ManyAnswers = Named<
  "StreamResponseDefinition",
  Definition & { responseData: Uint8Array[]; error?: WireError }
>;

export type RequestInfo = Named<
  "ConformancePayload.RequestInfo",
  { requestHeaders: Header[]; timeoutMs?: bigint; requests: Any[]; connectGetInfo?: ConnectGetInfo }
>;
export type ConnectGetInfo = Named<"ConformancePayload.ConnectGetInfo", { queryParams: Header[] }>;
export type Payload = Named<"ConformancePayload", { data: Uint8Array; requestInfo?: RequestInfo }>;

type Single<Name extends string> = Named<
  Name,
  { responseDefinition?: SingleAnswer; requestData: Uint8Array }
>;
type Many<Name extends string, More = unknown> = Named<
  Name,
  { responseDefinition?: ManyAnswers; requestData: Uint8Array } & More
>;
type Answer<Name extends string> = Named<Name, { payload?: Payload }>;

type Method<Kind extends string, Input extends Message, Output extends Message> = {
  methodKind: Kind;
  input: GenMessage<Input>;
  output: GenMessage<Output>;
};
export type ConformanceContract = GenService<{
  unary: Method<"unary", Single<"UnaryRequest">, Answer<"UnaryResponse">>;
  idempotentUnary: Method<"unary", Single<"IdempotentUnaryRequest">, Answer<"IdempotentUnaryResponse">>;
  unimplemented: Method<"unary", Named<"UnimplementedRequest", object>, Message>;
  clientStream: Method<"client_streaming", Single<"ClientStreamRequest">, Answer<"ClientStreamResponse">>;
  serverStream: Method<"server_streaming", Many<"ServerStreamRequest">, Answer<"ServerStreamResponse">>;
  bidiStream: Method<
    "bidi_streaming",
    Many<"BidiStreamRequest", { fullDuplex: boolean }>,
    Answer<"BidiStreamResponse">
  >;
}>;

export type ServerRequest = Named<"ServerCompatRequest", { messageReceiveLimit: number }>;
export type ServerResponse = Named<"ServerCompatResponse", { host: string; port: number }>;

export type ClientRequest = Named<
  "ClientCompatRequest",
  {
    testName: string;
    httpVersion: number;
    protocol: number;
    codec: number;
    compression: number;
    host: string;
    port: number;
    messageReceiveLimit: number;
    method?: string;
    streamType: number;
    useGetHttpMethod: boolean;
    requestHeaders: Header[];
    requestMessages: Any[];
    timeoutMs?: number;
    requestDelayMs: number;
    cancel?: Cancel;
  }
>;
type Cancel = Named<
  "ClientCompatRequest.Cancel",
  {
    cancelTiming:
      | Case<"beforeCloseSend", Message>
      | Case<"afterCloseSendMs", number>
      | Case<"afterNumResponses", number>
      | Unset;
  }
>;
export type ClientResult = Named<
  "ClientResponseResult",
  {
    responseHeaders: Header[];
    responseTrailers: Header[];
    payloads: Payload[];
    error?: WireError;
    numUnsentRequests: number;
  }
>;
export type ClientResponse = Named<
  "ClientCompatResponse",
  {
    testName: string;
    result:
      | Case<"response", ClientResult>
      | Case<"error", Named<"ClientErrorResult", { message: string }>>
      | Unset;
  }
>;

/** The suite's contract, with what else is needed to speak to its runner. */
export interface Suite {
  readonly service: ConformanceContract;
  /** Every message of the suite, for what stands in a `google.protobuf.Any`. */
  readonly registry: FileRegistry;
  readonly requestInfo: GenMessage<RequestInfo>;
  readonly connectGetInfo: GenMessage<ConnectGetInfo>;
  readonly serverRequest: GenMessage<ServerRequest>;
  readonly serverResponse: GenMessage<ServerResponse>;
  readonly clientRequest: GenMessage<ClientRequest>;
  readonly clientResponse: GenMessage<ClientResponse>;
  readonly clientResult: GenMessage<ClientResult>;
  readonly payload: GenMessage<Payload>;
}

/** Reads the compiled contracts of the suite. */
export function loadSuite(image: string): Suite {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
  const message = <T extends Message>(name: string) => {
    const found = registry.getMessage(`${scope}.${name}`);
    if (!found) throw new Error(`${image} has no ${scope}.${name}`);
    return found as unknown as GenMessage<T>;
  };
  const service: DescService | undefined = registry.getService(`${scope}.ConformanceService`);
  if (!service) throw new Error(`${image} has no ${scope}.ConformanceService`);
  return {
    service: service as unknown as ConformanceContract,
    registry,
    requestInfo: message("ConformancePayload.RequestInfo"),
    connectGetInfo: message("ConformancePayload.ConnectGetInfo"),
    serverRequest: message("ServerCompatRequest"),
    serverResponse: message("ServerCompatResponse"),
    clientRequest: message("ClientCompatRequest"),
    clientResponse: message("ClientCompatResponse"),
    clientResult: message("ClientResponseResult"),
    payload: message("ConformancePayload"),
  };
}
