import { diskFull, EmbeddedError, mendData, saysDiskFull } from "./errors.ts";
import type { ServerName } from "./events.ts";

export interface Failure {
  server: ServerName;
  /** What it logged in this life. */
  log: string;
  logFile: string;
  dataDir: string;
  port: number;
  /** `exited with code 1`, said when the log tells nothing. */
  exit: string;
}

/** Why a server left before it was ready, from the words it left in its log. */
export function explainFailure({ server, log, logFile, dataDir, port, exit }: Failure): EmbeddedError {
  const complaint = lastComplaint(log) ?? exit;
  if (/address already in use/i.test(log)) {
    return new EmbeddedError("port_taken", `${server} could not listen on port ${port}: it is taken`, {
      remedy: "start again, and another port is found",
    });
  }
  if (saysDiskFull.test(log)) return diskFull(dataDir);
  if (complaint.startsWith("setpriv:")) {
    return new EmbeddedError(
      "root_refused",
      `${server} cannot be run as a user other than root (${complaint})`,
      {
        remedy: "start weft as a normal user, or set DATABASE_URL and NATS_URL",
      },
    );
  }
  if (saysDamaged.test(log)) {
    return new EmbeddedError("data_corrupt", `the data in ${dataDir} is damaged (${complaint})`, {
      remedy: mendData,
    });
  }
  return new EmbeddedError("start_failed", `${server} did not start: ${complaint}`, {
    remedy: `read ${logFile}`,
  });
}

const saysDamaged =
  /control file|pg_control|valid checkpoint|invalid (page|record)|could not open file .*base/i;

/** PostgreSQL marks what ends it FATAL or PANIC, nats-server FTL; setpriv and the loader begin with a name. */
function lastComplaint(log: string): string | undefined {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const marked = lines.filter((line) => /\b(FATAL|PANIC)\b|\[FTL\]/.test(line));
  return (marked.at(-1) ?? lines.at(-1))?.replace(/^.*?(?:FATAL|PANIC|\[FTL\]):?\s*/, "").trim();
}
