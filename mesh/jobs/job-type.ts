import type { DescMessage } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { job as jobOption } from "#gen/mesh/v1/options_pb.js";
import { fail } from "../errors.ts";

/** What a contract says of a job, read once. */
export interface JobType {
  /** Full name of its message, such as `notification.v1.DeliverEmail`. */
  readonly name: string;
  /** Such as `notification_delivery`. */
  readonly queue: string;
  readonly maxAttempts: number;
  readonly timeoutMs: number;
  readonly backoffMs: number;
}

/** What holds for a job whose contract does not say. */
export const usualJob = { maxAttempts: 5, timeoutMs: 60_000, backoffMs: 5000 } as const;

const queueForm = /^[a-z][a-z0-9_]{0,62}$/;
const mostAttempts = 100;
const longestTimeoutMs = 24 * 60 * 60_000;
const longestBackoffMs = 60 * 60_000;

const types = new WeakMap<DescMessage, JobType>();

export function jobTypeOf(schema: DescMessage): JobType {
  const known = types.get(schema);
  if (known) return known;
  const type = compile(schema);
  types.set(schema, type);
  return type;
}

function compile(schema: DescMessage): JobType {
  const { typeName: name } = schema;
  if (!hasOption(schema, jobOption)) throw bad(name, "is no job", "give it option (mesh.v1.job)");
  const { queue, maxAttempts, timeout, backoff } = getOption(schema, jobOption);
  if (!queueForm.test(queue)) {
    throw bad(name, `has the queue "${queue}"`, "write it in small letters, like file_processing");
  }
  const type = {
    name,
    queue,
    maxAttempts: maxAttempts || usualJob.maxAttempts,
    timeoutMs: timeout ? durationMs(timeout) : usualJob.timeoutMs,
    backoffMs: backoff ? durationMs(backoff) : usualJob.backoffMs,
  };
  if (type.maxAttempts > mostAttempts) {
    throw bad(name, `has ${type.maxAttempts} attempts`, `give it ${mostAttempts} at most`);
  }
  if (!(type.timeoutMs > 0 && type.timeoutMs <= longestTimeoutMs)) {
    throw bad(name, `has a timeout of ${type.timeoutMs} ms`, "give it more than none and 24 h at most");
  }
  if (!(type.backoffMs >= 0 && type.backoffMs <= longestBackoffMs)) {
    throw bad(name, `has a backoff of ${type.backoffMs} ms`, "give it 1 h at most");
  }
  return type;
}

const bad = (name: string, what: string, remedy: string): Error =>
  fail.precondition("bad_job", `${name} ${what}`, { remedy: `${remedy}, in its contract` });
