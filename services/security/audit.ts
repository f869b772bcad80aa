import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { AuditEntrySchema, AuditService, ListAuditRequest } from "#gen/security/v1/audit_pb.js";
import type { Database, Handlers } from "#mesh";
import { cleanText, decodePage, fail, paged, pagePart, pageSize } from "#mesh";
import type { PlacedEntry } from "./audit-chain.ts";
import type { EntryFilter } from "./audit-store.ts";
import { findEntries } from "./audit-store.ts";
import type { AuditTrail } from "./audit-trail.ts";

export const audit = ({ db, trail }: { db: Database; trail: AuditTrail }): Handlers<typeof AuditService> => ({
  async recordAudit({ actor, action, resource, outcome, details }, { caller, correlationId }) {
    const service = caller.service?.name;
    if (!service) throw fail.denied("service_required", "only services add to the audit record");
    // The id that all calls of one action share leads to all their logs.
    const entry = { service, actor, action, resource, outcome, details, requestId: correlationId };
    const { sequence } = await trail.record(entry);
    return { sequence };
  },

  async listAudit(request) {
    const size = pageSize(request.pageSize);
    const found = await findEntries(db.sql, filterOf(request), size + 1);
    const { rows, nextPageToken } = paged(found, size, ({ sequence }) => [sequence.toString()]);
    return { entries: rows.map(toEntry), nextPageToken };
  },

  verifyAudit: (_request, { signal }) => trail.verify(signal),
});

function filterOf(request: ListAuditRequest): EntryFilter {
  const { pageToken, actor, action, resource, outcome, from, until } = request;
  return {
    before: sequenceOf(pageToken),
    actor: cleanText(actor),
    action: cleanText(action),
    resource: cleanText(resource),
    outcome,
    from: timeOf("from", from),
    until: timeOf("until", until),
  };
}

/** The range of google.protobuf.Timestamp, which its encoding does not enforce. */
const earliest = Date.parse("0001-01-01T00:00:00Z");
const latest = Date.parse("9999-12-31T23:59:59.999Z");

function timeOf(field: string, value: Timestamp | undefined): Date | undefined {
  if (!value) return undefined;
  const time = timestampDate(value);
  if (time.getTime() >= earliest && time.getTime() <= latest) return time;
  throw fail.invalid("bad_time", `${field}: is not a time between the years 1 and 9999`);
}

function sequenceOf(pageToken: string): bigint | undefined {
  const [sequence] = decodePage(pageToken, [pagePart.number]) ?? [];
  return sequence === undefined ? undefined : BigInt(sequence);
}

function toEntry({ time, details, ...entry }: PlacedEntry): MessageInitShape<typeof AuditEntrySchema> {
  return { ...entry, details: { ...details }, time: timestampFromDate(time) };
}
