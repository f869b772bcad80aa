import type { DescFile, DescService, MessageInitShape } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type {
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "#gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "#gen/grpc/reflection/v1alpha/reflection_pb.js";
import type { Implementation } from "../implementation.ts";
import { handlers } from "../implementation.ts";
import type { FileIndex } from "./index-files.ts";
import { indexFiles } from "./index-files.ts";

type Question = ServerReflectionRequest["messageRequest"];
type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** Server reflection, with which grpcurl and `buf curl` learn what a port serves. */
export function reflection(contracts: readonly DescService[]): Implementation[] {
  const all = [...contracts, ServerReflection, ServerReflectionAlpha];
  const index = indexFiles(all);
  const names = all.map((contract) => contract.typeName);

  // The two versions differ in nothing but their package.
  async function* answerAll(
    requests: AsyncIterable<Pick<ServerReflectionRequest, "host" | "messageRequest">>,
  ) {
    const sent = new Set<DescFile>();
    for await (const request of requests) {
      const { host, messageRequest } = request;
      yield {
        validHost: host,
        originalRequest: { host, messageRequest },
        messageResponse: answer(messageRequest),
      };
    }

    function answer(question: Question): Answer {
      switch (question.case) {
        case "listServices":
          return { case: "listServicesResponse", value: { service: names.map((name) => ({ name })) } };
        case "allExtensionNumbersOfType": {
          const number = index.extensionNumbers(question.value);
          if (!number) return notFound(question.value);
          return {
            case: "allExtensionNumbersResponse",
            value: { baseTypeName: question.value, extensionNumber: number },
          };
        }
        default: {
          const file = findFile(index, question);
          return file ? descriptors(file, sent) : notFound(describeQuestion(question));
        }
      }
    }
  }

  return [
    handlers(ServerReflection, { serverReflectionInfo: (requests) => answerAll(requests) as never }),
    handlers(ServerReflectionAlpha, {
      serverReflectionInfo: (requests) =>
        answerAll(requests as AsyncIterable<ServerReflectionRequest>) as never,
    }),
  ];
}

function findFile(index: FileIndex, question: Question): DescFile | undefined {
  switch (question.case) {
    case "fileByFilename":
      return index.file(question.value);
    case "fileContainingSymbol":
      return index.fileOf(question.value);
    case "fileContainingExtension":
      return index.extension(question.value.containingType, question.value.extensionNumber);
    default:
      return undefined;
  }
}

function describeQuestion(question: Question): string {
  if (question.case !== "fileContainingExtension") return String(question.value ?? "the question");
  const { containingType, extensionNumber } = question.value;
  return `extension ${extensionNumber} of ${containingType}`;
}

/** A file with all that it imports, but nothing twice on one stream. */
function descriptors(file: DescFile, sent: Set<DescFile>): Answer {
  const files: DescFile[] = [];
  const add = (it: DescFile) => {
    if (files.includes(it) || (sent.has(it) && it !== file)) return;
    files.push(it);
    it.dependencies.forEach(add);
  };
  add(file);
  for (const it of files) sent.add(it);
  const fileDescriptorProto = files.map((it) => toBinary(FileDescriptorProtoSchema, it.proto));
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
}

function notFound(what: string): Answer {
  return {
    case: "errorResponse",
    value: { errorCode: Code.NotFound, errorMessage: `${what} is not known here` },
  };
}
