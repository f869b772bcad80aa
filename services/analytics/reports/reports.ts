import { GenerateReportSchema } from "#gen/analytics/v1/jobs_pb.js";
import type { CreateReportRequest, ReportService } from "#gen/analytics/v1/reports_pb.js";
import { CreateReportRequestSchema } from "#gen/analytics/v1/reports_pb.js";
import type { Call, Database, Handlers, Jobs, Query } from "#mesh";
import {
  canonicalId,
  decodePage,
  idempotencyKey,
  lockNamed,
  newId,
  paged,
  pagePart,
  pageSize,
  replayed,
  requestHash,
  requireSame,
} from "#mesh";
import { bucketStarts } from "../buckets.ts";
import { mostPoints } from "../figures.ts";
import { formats, kinds, nameOf, statuses, toReport } from "../present.ts";
import { noReport, reportNotReady, tooManyPoints, tooManyReports } from "../refusals.ts";
import { figuresOf, isAdmin } from "../rights.ts";
import { everybody } from "../rollup-lines.ts";
import { bucketOf, spanOf } from "../span.ts";
import type { FileSink } from "./file-sink.ts";
import type { ReportRow } from "./reports-store.ts";
import {
  countOpen,
  deleteReport,
  findReport,
  findReportByKey,
  insertReport,
  listReports,
} from "./reports-store.ts";
import { senderOf } from "./sender.ts";

export interface ReportsOptions {
  db: Database;
  jobs: Jobs;
  sink: FileSink;
  /** Of one sender, that wait or are being written. */
  mostOpen: number;
  now: () => number;
}

const contentTypes = { csv: "text/csv; charset=utf-8", json: "application/x-ndjson" } as const;

export function reports(options: ReportsOptions): Handlers<typeof ReportService> {
  const { db, jobs, sink, mostOpen, now } = options;

  const find = async (id: string, call: Call): Promise<ReportRow> => {
    const row = await findReport(db.sql, canonicalId(id));
    const may = row && (row.sender === senderOf(call) || seesAll(call));
    if (!row || !may || (row.expiresAt && row.expiresAt.getTime() <= now())) throw noReport();
    return row;
  };

  const visible = async (id: string, call: Call): Promise<ReportRow> => {
    const row = await find(id, call);
    if (!mayRead(row, call)) throw noReport();
    return row;
  };

  const put = async (tx: Query, request: CreateReportRequest, call: Call): Promise<ReportRow> => {
    const sender = senderOf(call);
    const key = idempotencyKey(call);
    const hash = requestHash(CreateReportRequestSchema, request);
    await lockNamed(tx, `reports:${sender}`);
    const before = key === undefined ? undefined : await findReportByKey(tx, sender, key);
    if (before) {
      requireSame(before.requestHash, hash);
      if (!mayRead(before, call)) throw noReport();
      replayed(call);
      return before;
    }
    const nowMs = now();
    const kind = nameOf(kinds, request.kind as 1 | 2 | 3) ?? "metrics";
    const span = spanOf(request.span, nowMs);
    const bucket = bucketOf(request.bucket, span);
    const { fromMs, untilMs, timeZone } = span;
    if (kind === "metrics" && bucketStarts(fromMs, untilMs, bucket, timeZone).length > mostPoints) {
      throw tooManyPoints(mostPoints);
    }
    if ((await countOpen(tx, sender)) >= mostOpen) throw tooManyReports(mostOpen);
    const { user } = call.caller;
    const row = await insertReport(tx, {
      id: newId(nowMs),
      sender,
      ownerId: user?.id ?? null,
      figuresOf: user ? figuresOf(user) : everybody,
      kind,
      format: nameOf(formats, request.format as 1 | 2) ?? "csv",
      spanFrom: new Date(fromMs),
      spanUntil: new Date(untilMs),
      timeZone,
      bucket,
      idempotencyKey: key ?? null,
      requestHash: hash,
      createdAt: new Date(nowMs),
    });
    await jobs.enqueue(GenerateReportSchema, { reportId: row.id }, { tx, key: `report/${row.id}` });
    return row;
  };

  return {
    async createReport(request, call) {
      return { report: toReport(await db.transaction((tx) => put(tx, request, call))) };
    },

    async getReport({ id }, call) {
      return { report: toReport(await visible(id, call)) };
    },

    async listReports(request, call) {
      const size = pageSize(request.pageSize);
      const rows = await listReports(db.sql, {
        sender: seesAll(call) ? undefined : senderOf(call),
        ofEverybody: mayReadAll(call),
        status: nameOf(statuses, request.status),
        now: new Date(now()),
        beforeId: decodePage(request.pageToken, [pagePart.uuid])?.[0],
        limit: size + 1,
      });
      const page = paged(rows, size, ({ id }) => [id]);
      return { reports: page.rows.map(toReport), nextPageToken: page.nextPageToken };
    },

    async *downloadReport({ id }, call) {
      const { id: fileId, status, format, bytes } = await visible(id, call);
      if (status !== "ready") throw reportNotReady(status);
      call.responseHeader.set("x-content-length", `${bytes}`);
      call.responseHeader.set("content-disposition", `attachment; filename="report-${fileId}.${format}"`);
      const contentType = contentTypes[format];
      yield { body: { contentType } };
      for await (const data of sink.read(fileId)) yield { body: { contentType, data } };
    },

    async deleteReport({ id }, call) {
      const row = await find(id, call);
      await deleteReport(db.sql, row.id);
      return {};
    },
  };
}

const seesAll = ({ caller: { user } }: Call) => user !== undefined && isAdmin(user);

/** A service that asks for nobody has no rights to lose. */
const mayReadAll = (call: Call) => !call.caller.user || seesAll(call);

/** Whoever asked for everybody's figures may have lost the right since. */
const mayRead = (row: ReportRow, call: Call) => row.figuresOf !== everybody || mayReadAll(call);
