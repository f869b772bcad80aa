import { fail } from "#mesh";

export const noJob = () =>
  fail.notFound("job_not_found", "no job has this id", {
    remedy: "jobs are removed some time after their end; list them for those there are",
  });

export const jobIsOver = (state: string) =>
  fail.precondition("job_is_over", `the job is ${state}, so there is nothing to cancel`);

export const jobIsDone = () =>
  fail.precondition("job_is_done", "the job is done, so there is nothing to retry", {
    remedy: "make a new one",
  });

export const jobGoesOn = () =>
  fail.precondition("job_goes_on", "the job waits or runs already, as it was", {
    remedy: "cancel it first to run it with another payload",
  });

export const tooManyKinds = (most: number) =>
  fail.exhausted("too_many_kinds", `${most} kinds of jobs are known, and no more can be`, {
    remedy: "see who makes up names of types or queues",
  });

export const noQueue = (name: string) =>
  fail.notFound("queue_not_found", `no queue is named ${name}`, {
    remedy: "list the queues for their names",
  });

export const noSchedule = () =>
  fail.notFound("schedule_not_found", "no schedule has this id", {
    remedy: "list the schedules for their ids",
  });

export const scheduleExists = (name: string) =>
  fail.alreadyExists("schedule_exists", `there is a schedule named ${name} already`, {
    remedy: "choose another name, or update that one",
  });

export const noDeadLetter = () =>
  fail.notFound("dead_letter_not_found", "no dead letter has this id", {
    remedy: "it may have been replayed or dropped; list them for those there are",
  });
