import { expect, test } from "vitest";
import { parseServerLine } from "./server-lines.ts";

test("lines of PostgreSQL and NATS have a time, a level and words as those of services have", () => {
  expect(parseServerLine("2026-11-22 04:16:07.902 UTC [13407] LOG:  starting PostgreSQL 18.4")).toEqual({
    timestamp: "2026-11-22T04:16:07.902Z",
    level: "info",
    service: "postgres",
    message: "starting PostgreSQL 18.4",
  });
  expect(parseServerLine('2026-11-22 04:16:07.902 UTC [7] ERROR:  relation "x" does not exist')?.level).toBe(
    "error",
  );
  expect(parseServerLine("[13408] 2026/11/22 04:16:07.919906 [WRN] JetStream is nearly full")).toEqual({
    timestamp: "2026-11-22T04:16:07.919Z",
    level: "warn",
    service: "nats",
    message: "JetStream is nearly full",
  });
});

test("other text is none", () => {
  for (const text of ["", "\tselect 1", "[1] hello", "2026-11-22 LOG: x"]) {
    expect(parseServerLine(text)).toBeUndefined();
  }
});
