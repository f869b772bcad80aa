import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client, ClientDuplexStream, ClientReadableStream, ServiceDefinition } from "@grpc/grpc-js";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import type { PackageDefinition } from "@grpc/proto-loader";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";

const options = { keepCase: false, longs: String, enums: String, defaults: true, oneofs: true };

// biome-ignore lint/suspicious/noExplicitAny: grpc-js makes its clients at run time, so nothing of theirs is typed.
export type GrpcClient = Client & Record<string, (...args: any[]) => any>;

export function clientOf(definition: ServiceDefinition, port: number, channel = {}): GrpcClient {
  const Constructor = makeGenericClientConstructor(definition, "client");
  return new Constructor(`127.0.0.1:${port}`, credentials.createInsecure(), channel) as unknown as GrpcClient;
}

const reflectionProtos = join(dirname(fileURLToPath(import.meta.resolve("@grpc/reflection"))), "../proto");

export function reflectionClient(version: "v1" | "v1alpha", port: number): GrpcClient {
  const loaded = loadSync(`grpc/reflection/${version}/reflection.proto`, {
    ...options,
    includeDirs: [reflectionProtos],
  });
  return clientOf(loaded[`grpc.reflection.${version}.ServerReflection`] as ServiceDefinition, port);
}

export interface Reflected {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
  allExtensionNumbersResponse?: { baseTypeName: string; extensionNumber: number[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}

/** Asks one question after the other on a single stream. */
export async function reflect(client: GrpcClient, ...questions: object[]): Promise<Reflected[]> {
  const stream = client.serverReflectionInfo!() as ClientDuplexStream<object, Reflected>;
  const answers = collect(stream);
  for (const question of questions) stream.write(question);
  stream.end();
  return answers;
}

export function collect<T>(stream: ClientReadableStream<T>): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const all: T[] = [];
    stream.on("data", (item: T) => all.push(item));
    stream.on("end", () => resolve(all));
    stream.on("error", reject);
  });
}

/** A client for a service of which nothing is known but what its port tells. */
export async function discover(service: string, port: number, channel = {}): Promise<GrpcClient> {
  const client = reflectionClient("v1", port);
  const [answer] = await reflect(client, { fileContainingSymbol: service });
  client.close();
  const files = answer?.fileDescriptorResponse?.fileDescriptorProto ?? [];
  const definition = definitionOf(files);
  return clientOf(definition[service] as ServiceDefinition, port, channel);
}

function definitionOf(files: readonly Buffer[]): PackageDefinition {
  // FileDescriptorSet is nothing but `repeated FileDescriptorProto file = 1`.
  const set = Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a]), varint(file.length), file]));
  return loadFileDescriptorSetFromBuffer(set, options);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
