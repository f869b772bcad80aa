import { fail } from "#mesh/errors.ts";

/** Why the file of a service could not be loaded, and what to do about it. */
export function whyNot(file: string, cause: unknown): Error {
  const { message, stack = "" } = cause instanceof Error ? cause : new Error(String(cause));
  const [, missing, importer = file] = /^Cannot find module '(.+?)' imported from (.+)$/m.exec(message) ?? [];
  if (missing && isGenerated(missing)) {
    const short = missing.slice(missing.lastIndexOf("/gen/") + 1);
    return fail.precondition("not_generated", `${importer} needs ${short}, which is not there`, {
      remedy: "run `npm run generate`",
      cause,
    });
  }
  const place = missing ? importer : placeIn(stack, file);
  // Names that a contract has and its generated code lacks, or the other way round.
  const [, source = ""] = /^The requested module '(.+?)' does not provide/m.exec(message) ?? [];
  const remedy = isGenerated(source)
    ? "see that the contract has it, then run `npm run generate`"
    : "correct it and start again";
  return fail.precondition("bad_service", `${place}: ${message}`, { remedy, cause });
}

const isGenerated = (path: string): boolean => /^#gen\/|\/gen\/.+_pb\.js$/.test(path);

/** Node puts the place of a syntax error on the first line of its stack, others into the first frame. */
function placeIn(stack: string, file: string): string {
  // Where in Node itself it came up helps nobody.
  const ours = stack.replaceAll("file://", "").replace(/node:[^\s()]+/g, "");
  return /(\/[^\s()]+:\d+)/.exec(ours)?.[1] ?? file;
}
