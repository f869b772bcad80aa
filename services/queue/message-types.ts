import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { event as eventOption, job as jobOption } from "#gen/mesh/v1/options_pb.js";
import type { Logger } from "#mesh";
import { fail } from "#mesh";
import { usual } from "./request.ts";

/** A message that travels as an event or a job. */
export interface MessageType {
  readonly desc: DescMessage;
  /** Where the types are that its fields may name. */
  readonly registry: Registry;
}

/** What the contract of a job says of it. */
export interface JobType extends MessageType {
  readonly queue: string;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly backoffMs: number;
}

/** The messages that are known now. */
export interface MessageTypes {
  /** Learns the events and jobs among these; what is known already is replaced. */
  learn(registry: Registry): void;
  find(name: string): MessageType | undefined;
  findJob(name: string): JobType | undefined;
  jobs(): readonly JobType[];
}

/** As in the contract of requests: it becomes part of a subject. */
const queueForm = /^[a-z][a-z0-9_]{0,62}$/;

/** Far more than any platform has: whoever reaches the broker could name as many as he likes. */
const mostTypes = 5000;

export function createMessageTypes(log: Logger): MessageTypes {
  const types = new Map<string, MessageType | JobType>();
  const jobs = () => [...types.values()].filter(isJob);
  let isFull = false;

  const put = (type: MessageType | JobType) => {
    if (types.has(type.desc.typeName) || types.size < mostTypes) types.set(type.desc.typeName, type);
    else if (!isFull) {
      isFull = true;
      log.warn({ most: mostTypes }, "there are too many types of events and jobs; further ones stay unknown");
    }
  };
  const learnJob = (desc: DescMessage, registry: Registry) => {
    const type = readJobType(desc, registry);
    if (queueForm.test(type.queue)) put(type);
    else
      log.warn(
        { type: desc.typeName },
        "a job is passed over: its contract names no queue such as `file_processing`",
      );
  };
  return {
    learn: (registry) => {
      for (const desc of registry) {
        if (desc.kind !== "message") continue;
        if (hasOption(desc, jobOption)) learnJob(desc, registry);
        else if (hasOption(desc, eventOption)) put({ desc, registry });
      }
    },
    find: (name) => types.get(name),
    findJob: (name) => {
      const type = types.get(name);
      return type && isJob(type) ? type : undefined;
    },
    jobs,
  };
}

/** The type that a caller names, or an error that names those there are. */
export function requireJobType(types: MessageTypes, name: string): JobType {
  const type = types.findJob(name);
  if (type) return type;
  const names = types.jobs().map(({ desc }) => desc.typeName);
  throw fail.notFound("unknown_job_type", `no service has shown a job of the type ${name}`, {
    remedy:
      names.length > 0
        ? `there are ${names.sort().slice(0, 100).join(", ")}`
        : "start the service that does it",
  });
}

const isJob = (type: MessageType | JobType): type is JobType => "queue" in type;

const hourMs = 3_600_000;
const between = (least: number, most: number, value: number): number =>
  Math.round(Math.min(most, Math.max(least, value)));

function readJobType(desc: DescMessage, registry: Registry): JobType {
  const { queue, maxAttempts, timeout, backoff } = getOption(desc, jobOption);
  return {
    desc,
    registry,
    queue,
    maxAttempts: Math.min(100, maxAttempts || usual.maxAttempts),
    timeoutMs: timeout ? between(1, 24 * hourMs, durationMs(timeout)) : usual.timeoutMs,
    backoffMs: backoff ? between(0, hourMs, durationMs(backoff)) : usual.backoffMs,
  };
}
