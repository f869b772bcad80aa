import type { DescService } from "@bufbuild/protobuf";
import type { Call, ServiceDefinition } from "#mesh";
import { defineService, handlers } from "#mesh";
import type { TestFile } from "../../../gateway/contracts/testing/test-file.ts";
import { testServices } from "../../../gateway/contracts/testing/test-file.ts";

type Answering = (request: Record<string, unknown>, call: Call) => unknown;

/** A service that the gateway has never heard of, with a handler for each method of its contracts. */
export function learnedService(
  file: TestFile & { process: string },
  answers: Readonly<Record<string, Answering>>,
): ServiceDefinition {
  const contracts = testServices(file);
  return defineService({
    name: file.process,
    contracts,
    setup: () => ({
      rpc: contracts.map((contract) => handlers(contract, answersOf(contract, answers) as never)),
    }),
  });
}

const answersOf = (contract: DescService, answers: Readonly<Record<string, Answering>>) =>
  Object.fromEntries(
    contract.methods.map(({ localName }) => [localName, answers[localName] ?? (() => ({ text: localName }))]),
  );
