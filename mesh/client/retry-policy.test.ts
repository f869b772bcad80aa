import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { fail } from "../errors.ts";
import { failures } from "../testing/scripted-callee.ts";
import type { Verdict } from "./retry-policy.ts";
import { judgeFailure, mayRepeat } from "./retry-policy.ts";
import { retryAfterOf, withNote } from "./retry-words.ts";

describe("a failed try", () => {
  test.each(Object.entries(failures))("is judged: %s", (verdict, failure) => {
    expect(judgeFailure(failure())).toBe(verdict);
  });

  test.each<[Code, Verdict]>([
    [Code.Canceled, "answer"],
    [Code.InvalidArgument, "answer"],
    [Code.NotFound, "answer"],
    [Code.AlreadyExists, "answer"],
    [Code.PermissionDenied, "answer"],
    [Code.Unauthenticated, "answer"],
    [Code.ResourceExhausted, "answer"],
    [Code.FailedPrecondition, "answer"],
    [Code.Aborted, "answer"],
    [Code.OutOfRange, "answer"],
    [Code.Unimplemented, "answer"],
    [Code.Unknown, "broken"],
    [Code.DeadlineExceeded, "broken"],
    [Code.Internal, "broken"],
    [Code.Unavailable, "broken"],
    [Code.DataLoss, "broken"],
  ])("with code %i of a handler is judged: %s", (code, verdict) => {
    expect(judgeFailure({ error: new ConnectError("x", code), processed: true })).toBe(verdict);
  });

  test("may be repeated by what it did, and by what its method may", () => {
    const may = (verdict: Verdict, repeatable: boolean) =>
      mayRepeat(verdict, failures[verdict](), repeatable);
    for (const verdict of ["absent", "leaving", "overloaded"] as const) {
      expect([may(verdict, true), may(verdict, false)]).toEqual([true, true]);
    }
    expect([may("broken", true), may("broken", false)]).toEqual([true, false]);
    expect([may("answer", true), may("answer", false)]).toEqual([false, false]);
  });

  test("that passes on somebody else's overload is repeated only where its method may be", () => {
    const nested = { error: failures.overloaded().error, processed: true };
    expect([mayRepeat("overloaded", nested, true), mayRepeat("overloaded", nested, false)]).toEqual([
      true,
      false,
    ]);
  });
});

describe("an error with a note", () => {
  test("is the same but for its words, and the first stays as it was", () => {
    const error = fail.exhausted("overloaded", "too many calls", { retryAfterMs: 40, cause: new Error("x") });
    const noted = withNote(error, "tried 3 times");
    expect(noted).toMatchObject({
      code: error.code,
      rawMessage: "too many calls (tried 3 times)",
      cause: error.cause,
    });
    expect([noted.details, retryAfterOf(noted)]).toEqual([error.details, 40]);
    expect(error.rawMessage).toBe("too many calls");
  });
});
