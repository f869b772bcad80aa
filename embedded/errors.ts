export type EmbeddedErrorCode =
  | "in_use"
  | "port_taken"
  | "binary_missing"
  | "binary_corrupt"
  | "download_failed"
  | "data_incomplete"
  | "data_version"
  | "data_corrupt"
  | "data_denied"
  | "disk_full"
  | "root_refused"
  | "start_failed"
  | "start_timeout"
  | "stopped";

export interface EmbeddedErrorOptions {
  /** What the reader can do about it; appended to the message. */
  remedy: string;
  cause?: unknown;
}

/** The one error of the embedded servers: one line that says what, where, and how to mend it. */
export class EmbeddedError extends Error {
  override name = "EmbeddedError";
  readonly code: EmbeddedErrorCode;
  readonly remedy: string;

  constructor(code: EmbeddedErrorCode, what: string, { remedy, cause }: EmbeddedErrorOptions) {
    super(`${what}; ${remedy}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}

/** Said wherever the data on disk cannot be used, so that nobody fears it is gone. */
export const mendData = "run `weft reset` to start empty, or restore it from a backup; nothing was deleted";

/** Puts what the operating system answered about `path` into words. */
export function fromSystem(error: unknown, path: string): EmbeddedError {
  if (error instanceof EmbeddedError) return error;
  const code = errnoOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") return diskFull(path, error);
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new EmbeddedError("data_denied", `this user may not read and write ${path}`, {
      remedy: "start weft as the user who owns it, or change its owner",
      cause: error,
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new EmbeddedError("start_failed", why, { remedy: `look at ${path}`, cause: error });
}

/** How the servers and their tools say that the disk is full. */
export const saysDiskFull = /no space left on device|check free disk space|quota exceeded/i;

export function diskFull(path: string, cause?: unknown): EmbeddedError {
  return new EmbeddedError("disk_full", `the disk that holds ${path} is full`, {
    remedy: "make room on it and start again; nothing was deleted",
    cause,
  });
}

/** `ENOENT` and its like; "" for errors of another kind. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}
