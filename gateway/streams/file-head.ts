import type { Fields } from "#mesh/call/metadata.ts";
import { fail } from "#mesh/errors.ts";
import { outwardFields } from "../edge/passed-headers.ts";

/** The head of an answer that is a file. */
export interface FileHead {
  readonly status: number;
  readonly fields: readonly string[];
  /** How many bytes must follow; nothing when the callee did not say. */
  readonly size: number | undefined;
  readonly etag: string | undefined;
}

const part = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/;

/**
 * What a callee says of a file by metadata, as HTTP says it. It gives all of the
 * file, and may say its size in `x-content-length`: `content-length` is of the
 * call's own messages. Or it heeds the `range` it was told of, and says by
 * `content-range` which part it gives.
 */
export function fileHead(header: Fields, usualStatus: number): FileHead {
  const fields = [...(outwardFields(header) ?? [])];
  const range = fieldIn(fields, "content-range");
  const stated = fieldIn(header, "x-content-length");
  const size = range === undefined ? sizeOf(stated) : sizeOfPart(range);
  if (size !== undefined) fields.push("content-length", String(size));
  if (fieldIn(fields, "cache-control") === undefined) fields.push("cache-control", "private, no-cache");
  return {
    status: range === undefined ? usualStatus : 206,
    fields,
    size,
    etag: fieldIn(fields, "etag"),
  };
}

export function fieldIn(fields: Fields, name: string): string | undefined {
  for (let at = 0; fields && at + 1 < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() === name) return fields[at + 1];
  }
  return undefined;
}

function sizeOf(stated: string | undefined): number | undefined {
  if (stated === undefined) return undefined;
  if (!/^\d{1,15}$/.test(stated)) throw unreadable(`x-content-length is ${stated.slice(0, 40)}`);
  return Number(stated);
}

function sizeOfPart(range: string): number {
  const [, first, last] = part.exec(range) ?? [];
  const size = Number(last) - Number(first) + 1;
  if (!(size > 0)) throw unreadable(`content-range is ${range.slice(0, 40)}`);
  return size;
}

const unreadable = (why: string) =>
  fail.internal("unreadable_answer", `the service does not say what part of a file it gives: ${why}`, {
    remedy: "its operator must look at it",
  });
