import type { DescMessage, Registry } from "@bufbuild/protobuf";
import { hasOption } from "@bufbuild/protobuf";
import { event as eventOption, job as jobOption } from "#gen/mesh/v1/options_pb.js";
import type { Logger } from "#mesh";
import { fail } from "#mesh";
import type { JobType as JobContract } from "#mesh/jobs/job-type.ts";
import { jobTypeOf } from "#mesh/jobs/job-type.ts";

/** A message that travels as an event or a job. */
export interface MessageType {
  readonly desc: DescMessage;
  /** Where the types are that its fields may name. */
  readonly registry: Registry;
}

/** A job, with what its contract says of it. */
export type JobType = MessageType & JobContract;

/** The messages that are known now. */
export interface MessageTypes {
  /** Learns the events and jobs among these; what is known already is replaced. */
  learn(registry: Registry): void;
  find(name: string): MessageType | undefined;
  findJob(name: string): JobType | undefined;
  jobs(): readonly JobType[];
}

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
    try {
      put({ desc, registry, ...jobTypeOf(desc) });
    } catch (err) {
      log.warn({ err, type: desc.typeName }, "a job is passed over: its contract says what no job can have");
    }
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
