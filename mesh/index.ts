/** The runtime that every process links. */
export type { Turn } from "./at-most.ts";
export { atMost } from "./at-most.ts";
export { asService, asServiceInBackground } from "./call/as-service.ts";
export type { Call } from "./call/call.ts";
export { currentCall, requireUser } from "./call/call.ts";
export {
  badKey,
  idempotencyKey,
  isIdempotencyKey,
  keyReused,
  replayed,
  requestHash,
  requireSame,
} from "./call/idempotency-key.ts";
export type { Caller, ServiceIdentity, UserIdentity } from "./call/identity.ts";
export { describeCaller, edge, permits } from "./call/identity.ts";
export type { ConfigOf, Field, Fields } from "./config/fields.ts";
export {
  BadValue,
  duration,
  durationFrom,
  durationUpTo,
  field,
  flag,
  integer,
  oneOf,
  port,
  text,
  url,
} from "./config/fields.ts";
export type { Environment } from "./config/read.ts";
export { readConfig } from "./config/read.ts";
export { methodName, optionsOf, serviceOf } from "./contract/options.ts";
export type { Database, Query } from "./db/database.ts";
export { afterCommit, only, violates } from "./db/database.ts";
export { lockNamed } from "./db/lock-named.ts";
export { badPageToken, decodePage, encodePage, fitting, paged, pagePart, pageSize } from "./db/page.ts";
export { retrying } from "./db/retrying.ts";
export { sqlState } from "./db/sql-state.ts";
export { timeOf } from "./db/time.ts";
export type { WeftErrorOptions } from "./errors.ts";
export { codeName, fail, isRefusal, reasonOf, WeftError } from "./errors.ts";
export type { Event, OnOptions, Subscription } from "./events/consume/on.ts";
export { on } from "./events/consume/on.ts";
export type { Events } from "./events/events.ts";
export type { Live } from "./events/live.ts";
export type { HealthCheck, HealthChecks, HealthReport } from "./health/checks.ts";
export type { Hosted, HostOptions } from "./host/host.ts";
export { hostService } from "./host/host.ts";
export { envPrefix, meshFields, perServiceFields } from "./host/mesh-config.ts";
export { canonicalId, derivedId, newId } from "./id.ts";
export type { ServiceKey } from "./identity/service-key.ts";
export { loadServiceKey } from "./identity/service-key.ts";
export type { Grant, Standing } from "./identity/standing.ts";
export {
  openStandingBucket,
  sessionKey,
  standingTtlMs,
  userKey,
  watchStanding,
} from "./identity/standing.ts";
export { algorithm, issuer, platformAudience, tokenTypes, userHeader } from "./identity/tokens.ts";
export type { Handlers, Implementation } from "./implementation.ts";
export { handlers } from "./implementation.ts";
export { inBatches } from "./in-batches.ts";
export type { EnqueueOptions, Jobs } from "./jobs/enqueue.ts";
export type { Job, JobHandler, Work, WorkOptions } from "./jobs/job.ts";
export { job } from "./jobs/job.ts";
export type { Logger } from "./log/logger.ts";
export { createLogger } from "./log/logger.ts";
export type { Loop, LoopOptions } from "./loop.ts";
export { startLoop } from "./loop.ts";
export type { Metrics } from "./metrics/metrics.ts";
export type { Nats } from "./nats/nats.ts";
export { connectNats } from "./nats/nats.ts";
export type { Places } from "./places.ts";
export { createPlaces } from "./places.ts";
export type { BackoffPolicy } from "./resilience/backoff.ts";
export { pauseMs } from "./resilience/backoff.ts";
export type {
  Clients,
  Contracts,
  Running,
  ServiceDefinition,
  Setup,
} from "./service.ts";
export { defineService } from "./service.ts";
export type { TakingOptions } from "./taking.ts";
export { startTaking } from "./taking.ts";
export { withSpan } from "./telemetry/tracer.ts";
export { cleanText } from "./text.ts";
export type { LocalTime } from "./time-zone.ts";
export { instantAt, isPlace, isTimeZone, localTime, weekdayOf } from "./time-zone.ts";
export { version } from "./version.ts";
