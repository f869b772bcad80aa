import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { fail } from "../errors.ts";

const [year1Ms, year10000Ms] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("+010000-01-01T00:00:00Z")];

/** A field of a request as PostgreSQL and JavaScript both take it for a time. */
export function timeOf(field: string, timestamp: Timestamp | undefined): Date | undefined {
  if (!timestamp) return undefined;
  const time = timestampDate(timestamp);
  if (time.getTime() >= year1Ms && time.getTime() < year10000Ms) return time;
  throw fail.invalid("bad_time", `${field}: must be a time between the years 1 and 9999`);
}
