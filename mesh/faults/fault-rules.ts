import { Code } from "@connectrpc/connect";
import { BadValue } from "../config/fields.ts";
import { codeName } from "../errors.ts";

/** What is done to a share of the calls. */
export type Fault =
  | { readonly kind: "abort"; readonly code: Code; readonly share: number }
  | { readonly kind: "delay"; readonly delayMs: number; readonly share: number };

/** What is done to the calls of some methods. */
export interface FaultRule {
  /** Full name of a service, one that ends in `*`, or `*`. */
  readonly service: string;
  /** Name of a method, one that ends in `*`, or `*`. */
  readonly method: string;
  readonly faults: readonly Fault[];
}

const example = "order.v1.OrderService/CreateOrder=abort:unavailable:10%,delay:200ms:50%";

/** A header may come with every call, so it must be quick to turn down. */
const longestFaults = 512;
const mostFaults = 8;
const longestDelayMs = 60_000;

const codes: ReadonlyMap<string, Code> = new Map(
  Object.values(Code)
    .filter((it): it is Code => typeof it === "number")
    .map((code) => [codeName(code), code]),
);

/**
 * Reads `<service>/<method>=<faults>;…`, such as
 * `order.v1.OrderService/*=abort:unavailable:10%,delay:200ms:50%`. Empty: none.
 */
export function parseFaultRules(text: string): readonly FaultRule[] {
  return text
    .split(";")
    .filter((part) => part.trim() !== "")
    .map(parseRule);
}

/** Reads the right side of a rule: `abort:<code>[:<share>%]` or `delay:<time>[:<share>%]`, several with commas. */
export function parseFaults(text: string): readonly Fault[] {
  if (text.length > longestFaults)
    throw new BadValue(`must not have faults longer than ${longestFaults} characters`);
  const parts = text.split(",");
  if (parts.length > mostFaults)
    throw new BadValue(`must not have more than ${mostFaults} faults for one method`);
  return parts.map((part) => parseFault(part.trim()));
}

function parseRule(text: string): FaultRule {
  const [, service, method, faults] = /^\s*([\w.]*\*?)\/(\w*\*?)\s*=(.*)$/s.exec(text) ?? [];
  if (!service || !method || faults === undefined) {
    throw new BadValue(`must name a method, as in ${example}; this does not: ${shorten(text)}`);
  }
  return { service, method, faults: parseFaults(faults) };
}

function parseFault(text: string): Fault {
  const [kind, what = "", share, ...more] = text.split(":");
  if (more.length > 0)
    throw new BadValue(`must write faults as in ${example}; this is too long: ${shorten(text)}`);
  switch (kind) {
    case "abort":
      return { kind, code: parseCode(what), share: parseShare(share) };
    case "delay":
      return { kind, delayMs: parseDelay(what), share: parseShare(share) };
    default:
      throw new BadValue(
        `must have faults that begin with abort: or delay:, and not ${shorten(text) || "nothing"}`,
      );
  }
}

function parseCode(name: string): Code {
  const code = codes.get(name);
  if (code === undefined) {
    throw new BadValue(
      `must abort with one of ${[...codes.keys()].join(", ")}, and not ${shorten(name) || "nothing"}`,
    );
  }
  return code;
}

function parseDelay(text: string): number {
  const [, amount, unit] = /^(\d{1,9})(ms|s)$/.exec(text) ?? [];
  const delayMs = Number(amount) * (unit === "s" ? 1000 : 1);
  if (amount === undefined || delayMs > longestDelayMs) {
    throw new BadValue(
      `must delay by a time such as 200ms or 2s, at most 60s, and not ${shorten(text) || "nothing"}`,
    );
  }
  return delayMs;
}

/** Without a share, all calls. */
function parseShare(text: string | undefined): number {
  if (text === undefined) return 1;
  const [, number] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text) ?? [];
  if (number === undefined || Number(number) > 100) {
    throw new BadValue(
      `must have shares from 0% to 100%, such as 10%, and not ${shorten(text) || "nothing"}`,
    );
  }
  return Number(number) / 100;
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
