/** What keeps us from starting, with what to do about it, for people to read. */
export class Fault extends Error {
  constructor(what, remedy) {
    super(`${what}; ${remedy}`);
  }
}

/** The Fault behind a failed file operation. */
export function fileFault(error, path) {
  if (error instanceof Fault) return error;
  const remedies = {
    EACCES: "start weft as the user who owns the checkout, or change its owner",
    EPERM: "start weft as the user who owns the checkout, or change its owner",
    EROFS: "the checkout is read-only: install once where it can be written, then start it here",
    ENOSPC: "the disk is full: make room and start again",
  };
  return new Fault(
    `cannot write ${path} (${error.code ?? error.message})`,
    remedies[error.code] ?? "mend that and start again",
  );
}
