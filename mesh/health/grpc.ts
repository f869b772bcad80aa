import { once } from "node:events";
import type { DescService } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { ServingStatus } from "grpc-health-check";
import { HealthImplementation } from "grpc-health-check";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/health/v1/health_pb.js";
import type { Call } from "../call/call.ts";
import type { Implementation } from "../implementation.ts";
import { handlers } from "../implementation.ts";

export interface GrpcHealth {
  readonly implementation: Implementation;
  /** Says of the process and of each of its contracts whether calls are welcome. */
  set(serving: boolean): void;
}

type StatusName = keyof typeof Status;
interface CheckCall {
  readonly request: { readonly service: string };
}
interface WatchCall extends CheckCall {
  write(answer: { status: StatusName }): void;
  on(event: "cancelled", listener: () => void): void;
}
type Reply<T> = (error: { code: number; details: string } | null, answer: T | null) => void;

/** The functions that `grpc-health-check` would add to a grpc-js server. */
interface HealthFunctions {
  check(call: CheckCall, reply: Reply<{ status: StatusName }>): void;
  watch(call: WatchCall): void;
  list(call: unknown, reply: Reply<{ statuses: Record<string, { status: StatusName }> }>): void;
}

/**
 * grpc.health.v1 as `grpc-health-check` keeps it, answered on our port: its
 * status map and watchers do the work, this carries questions and answers.
 */
export function createGrpcHealth(contracts: readonly DescService[]): GrpcHealth {
  const names = ["", ...contracts.map((contract) => contract.typeName)];
  const health = new HealthImplementation(
    Object.fromEntries(names.map((name) => [name, "NOT_SERVING"] as const)),
  );
  const functions = functionsOf(health);
  let current: ServingStatus = "NOT_SERVING";
  return {
    set: (serving) => {
      const status: ServingStatus = serving ? "SERVING" : "NOT_SERVING";
      // Watchers are told of changes, not of every look.
      if (status === current) return;
      current = status;
      for (const name of names) health.setStatus(name, status);
    },
    implementation: handlers(Health, {
      check: async (request) => {
        const { status } = await ask<{ status: StatusName }>((reply) => functions.check({ request }, reply));
        return { status: Status[status] };
      },
      list: async () => {
        const { statuses } = await ask<{ statuses: Record<string, { status: StatusName }> }>((reply) =>
          functions.list({}, reply),
        );
        const entries = Object.entries(statuses).map(([name, { status }]) => [
          name,
          { status: Status[status] },
        ]);
        return { statuses: Object.fromEntries(entries) };
      },
      watch: (request, call) =>
        names.includes(request.service) ? watch(functions, request.service, call) : watchUnknown(call),
    }),
  };
}

function functionsOf(health: HealthImplementation): HealthFunctions {
  let functions: unknown;
  const server = {
    addService: (_definition: unknown, given: unknown) => {
      functions = given;
    },
  };
  health.addToServer(server as never);
  return functions as HealthFunctions;
}

function ask<T>(question: (reply: Reply<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    question((error, answer) => {
      if (error) reject(new ConnectError(error.details, error.code));
      else resolve(answer as T);
    });
  });
}

/**
 * Not handed on: the library keeps every name it was ever asked for, and what
 * a port serves does not change while it runs.
 */
async function* watchUnknown({ signal }: Call) {
  yield { status: Status.SERVICE_UNKNOWN };
  if (!signal.aborted) await once(signal, "abort");
}

/** Gives the newest status; one that was passed over while the reader was slow is of no use to it. */
async function* watch(functions: HealthFunctions, service: string, { signal }: Call) {
  let newest: StatusName | undefined;
  let wake: () => void = () => {};
  let cancelled: () => void = () => {};
  functions.watch({
    request: { service },
    write: ({ status }) => {
      newest = status;
      wake();
    },
    on: (_event, listener) => {
      cancelled = listener;
    },
  });
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      if (newest === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const status = newest;
      newest = undefined;
      yield { status: Status[status] };
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    cancelled();
  }
}
