import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { fail, reasonOf } from "../errors.ts";
import { parseFaultRules } from "./fault-rules.ts";
import { befall, checkFaultsAllowed, createFaults } from "./faults.ts";

const create = "order.v1.OrderService/CreateOrder";

/** Numbers that are spread evenly from 0 to 1, in no order. */
function even() {
  let at = 0;
  return () => {
    at = (at + 0.618_033_988_749_895) % 1;
    return at;
  };
}
const open = (text: string, options: { allowHeader?: boolean; random?: () => number } = {}) =>
  createFaults({ rules: parseFaultRules(text), random: () => 0, ...options });

describe("a method", () => {
  test("without a rule costs nothing", () => {
    expect(open("payment.v1.*/*=abort:internal").forMethod(create)).toBeUndefined();
  });

  test.each([
    create,
    "order.v1.OrderService/*",
    "order.v1.OrderService/Create*",
    "order.v1.*/CreateOrder",
    "order.*/*",
    "*/*",
  ])("is meant by %s", (pattern) => {
    expect(open(`${pattern}=abort:internal`).forMethod(create)?.(undefined)?.error?.code).toBe(Code.Internal);
  });

  test.each(["order.v1.OrderService/Create", "order.v1/CreateOrder", "order.v1.OrderService/create*"])(
    "is not meant by %s",
    (pattern) => {
      expect(open(`${pattern}=abort:internal`).forMethod(create)).toBeUndefined();
    },
  );

  test("obeys the rule that names it most exactly", () => {
    const text = `${create}=abort:aborted;*/*=abort:internal;order.v1.OrderService/*=abort:unavailable`;
    const codeOf = (name: string) => open(text).forMethod(name)?.(undefined)?.error?.code;
    expect(codeOf(create)).toBe(Code.Aborted);
    expect(codeOf("order.v1.OrderService/GetOrder")).toBe(Code.Unavailable);
    expect(codeOf("user.v1.UserService/GetUser")).toBe(Code.Internal);
  });
});

test("faults befall their share of calls, each by its own lot", () => {
  const draw = open(`${create}=abort:unavailable:10%,delay:200ms:50%`, { random: even() }).forMethod(create);
  let aborted = 0;
  let delayed = 0;
  for (let count = 0; count < 10_000; count++) {
    const fault = draw?.(undefined);
    if (fault?.error) aborted++;
    if (fault?.delayMs === 200) delayed++;
  }
  expect(aborted / 10_000).toBeCloseTo(0.1, 2);
  expect(delayed / 10_000).toBeCloseTo(0.5, 2);
});

test("a share of 0% is never, one of 100% always", () => {
  const never = open(`${create}=abort:internal:0%`).forMethod(create);
  expect(never?.(undefined)).toBeUndefined();
  const always = open(`${create}=abort:internal:100%`, { random: () => 1 - 2 ** -53 }).forMethod(create);
  expect(always?.(undefined)?.error).toBeDefined();
});

test("the error says that it was injected, and by what", () => {
  const error = open(`${create}=abort:resource_exhausted`).forMethod(create)?.(undefined)?.error;
  expect(reasonOf(error)).toBe("fault_injected");
  expect(error?.rawMessage).toMatch(
    /injected fault: order.v1.OrderService\/CreateOrder .*resource_exhausted by WEFT_FAULTS/,
  );
});

describe("the header", () => {
  test("is not looked at unless allowed", () => {
    const draw = open(`${create}=delay:1ms`).forMethod(create);
    expect(draw?.("abort:internal")).toEqual({ delayMs: 1, error: undefined });
    expect(open("").forMethod(create)).toBeUndefined();
  });

  test("takes the place of the rules, where allowed", () => {
    const draw = open(`${create}=delay:1ms`, { allowHeader: true }).forMethod(create);
    const fault = draw?.("abort:unavailable,delay:5ms");
    expect(fault?.delayMs).toBe(5);
    expect(fault?.error?.rawMessage).toContain("by weft-fault");
    expect(draw?.(undefined)?.delayMs).toBe(1);
  });

  test("that makes no sense is the caller's mistake", () => {
    const draw = open("", { allowHeader: true }).forMethod(create);
    expect(() => draw?.("explode")).toThrow(/the header weft-fault must have faults that begin with/);
    expect(draw?.(undefined)).toBeUndefined();
  });
});

describe("a delayed call", () => {
  const never = new AbortController().signal;

  test("fails after its delay", async () => {
    const error = fail.internal("fault_injected", "x");
    await expect(befall({ delayMs: 1, error }, never)).rejects.toBe(error);
    await expect(befall({ delayMs: 1, error: undefined }, never)).resolves.toBeUndefined();
  });

  test("ends when the call does, with its reason", async () => {
    const call = new AbortController();
    const befallen = befall({ delayMs: 60_000, error: undefined }, call.signal);
    const deadline = fail.deadline("deadline", "too late");
    call.abort(deadline);
    await expect(befallen).rejects.toBe(deadline);
    await expect(befall({ delayMs: 60_000, error: undefined }, call.signal)).rejects.toBe(deadline);
  });
});

test("in production faults must be wanted twice", () => {
  const rules = parseFaultRules("*/*=abort:internal");
  expect(() => checkFaultsAllowed(rules, true, false)).toThrow(/WEFT_FAULTS_IN_PRODUCTION=true/);
  expect(() => checkFaultsAllowed(rules, true, true)).not.toThrow();
  expect(() => checkFaultsAllowed(rules, false, false)).not.toThrow();
  expect(() => checkFaultsAllowed([], true, false)).not.toThrow();
});
