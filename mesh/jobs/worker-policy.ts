import { fail } from "../errors.ts";
import type { Work } from "./job.ts";
import type { JobType } from "./job-type.ts";
import { jobTypeOf } from "./job-type.ts";

/** How a worker goes about its jobs. */
export interface WorkerPolicy {
  /** Longest time between two looks for jobs; it is told of most that come. */
  readonly pollMs: number;
  /** What ends within this time is told together, and its places are offered together. */
  readonly gatherMs: number;
  /** Longest pause after the queue did not answer. */
  readonly awayMaxMs: number;
  /** How long a handler may take to heed its signal before its attempt is judged without it. */
  readonly heedMs: number;
  /** How long a job that met with a store that is away is held before it is given back. */
  readonly storeAwayMs: number;
  /** Least time between two tellings of progress. */
  readonly progressMs: number;
  /**
   * How long after its lease an outcome is still told: a queue that was away
   * may not have given the job to others yet, and refuses it otherwise.
   */
  readonly keepMs: number;
  /** Most outcomes that wait to be told. */
  readonly mostKept: number;
  /** Most jobs in one call, as the contract has it. */
  readonly mostPerCall: number;
  /** Most bytes of outcomes in one call, well below what a message may have. */
  readonly mostBytesPerCall: number;
}

export const workerPolicy: WorkerPolicy = {
  pollMs: 1000,
  gatherMs: 3,
  awayMaxMs: 5000,
  heedMs: 1000,
  storeAwayMs: 1000,
  progressMs: 1000,
  keepMs: 60_000,
  mostKept: 10_000,
  mostPerCall: 1000,
  mostBytesPerCall: 1024 * 1024,
};

/** The work for one type of jobs, as it was declared and as its contract has it. */
export interface CompiledWork {
  readonly type: JobType;
  readonly schema: Work["schema"];
  readonly handler: Work["handler"];
  readonly concurrency: number;
}

const usualConcurrency = 4;
/** As the contract of the queue bounds them. */
const mostPlaces = 1000;
const mostTypes = 200;

export function compileWork(service: string, declared: readonly Work[]): CompiledWork[] {
  const compiled = declared.map(({ schema, handler, options }) => ({
    type: jobTypeOf(schema),
    schema,
    handler,
    concurrency: options.concurrency ?? usualConcurrency,
  }));
  if (compiled.length > mostTypes) {
    throw bad(service, `does jobs of ${compiled.length} types`, `divide it: ${mostTypes} are possible`);
  }
  const names = new Set<string>();
  for (const { type, concurrency } of compiled) {
    if (names.has(type.name)) throw bad(service, `does ${type.name} twice`, "name it once in `jobs`");
    names.add(type.name);
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > mostPlaces) {
      throw bad(service, `does ${concurrency} ${type.name} at once`, `make it 1 to ${mostPlaces}`);
    }
  }
  return compiled;
}

const bad = (service: string, what: string, remedy: string): Error =>
  fail.precondition("bad_job", `${service} ${what}`, { remedy });
