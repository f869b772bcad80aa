import { expect, test } from "vitest";
import { explainFailure } from "./explain.ts";

const explain = (log: string) =>
  explainFailure({
    server: "postgres",
    log,
    logFile: "/logs/postgres.log",
    dataDir: "/data",
    port: 54320,
    exit: "exited with code 1",
  });

test.each([
  ['LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', "port_taken"],
  ["[1] 2026/01/01 [FTL] Error listening on port: 127.0.0.1:1, bind: address already in use", "port_taken"],
  ['PANIC:  could not write to file "pg_wal/1": No space left on device', "disk_full"],
  ['FATAL:  could not extend file "base/1": wrote only 4096\nHINT:  Check free disk space.', "disk_full"],
  ["setpriv: set process securebits failed: Operation not permitted", "root_refused"],
  ["FATAL:  incorrect checksum in control file", "data_corrupt"],
  ["PANIC:  could not locate a valid checkpoint record at 0/17", "data_corrupt"],
  ["FATAL:  something new", "start_failed"],
  ["", "start_failed"],
])("%s means %s", (log, code) => {
  expect(explain(log).code).toBe(code);
});

test("the message is one line with the last complaint, where to read on, and no stack of log lines", () => {
  const error = explain(
    "10:00 LOG:  starting\n10:01 FATAL:  first\n10:02 FATAL:  the reason\n10:03 LOG:  bye\n",
  );
  expect(error.message).toBe("postgres did not start: the reason; read /logs/postgres.log");
});
