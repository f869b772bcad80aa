import { setTimeout as sleep } from "node:timers/promises";
import { BadValue } from "../config/fields.ts";
import type { WeftError } from "../errors.ts";
import { codeName, WeftError as FaultError, fail } from "../errors.ts";
import type { Fault, FaultRule } from "./fault-rules.ts";
import { parseFaults } from "./fault-rules.ts";

/** What befalls one call: first the delay, then the error. */
export interface Injected {
  readonly delayMs: number;
  readonly error: WeftError | undefined;
}

/** Draws what befalls the next call of a method; undefined: nothing. */
export type DrawFault = (headerValue: string | undefined) => Injected | undefined;

/** Header with faults for the one call, in development. */
export const faultHeader = "weft-fault";

export interface FaultsOptions {
  rules: readonly FaultRule[];
  /** Whether the header is honoured; for development only. Default: false. */
  allowHeader?: boolean;
  /** From 0 to below 1. Default: Math.random. */
  random?: () => number;
}

export interface Faults {
  /** Undefined for a method to which nothing can happen, so that it costs nothing. */
  forMethod(name: string): DrawFault | undefined;
}

/** Makes a share of calls fail or wait, for tests and demonstrations. The header takes the place of the rules. */
export function createFaults({ rules, allowHeader = false, random = Math.random }: FaultsOptions): Faults {
  return {
    forMethod(name) {
      const faults = faultsOf(rules, name);
      if (faults.length === 0 && !allowHeader) return undefined;
      return (header) => {
        if (allowHeader && header !== undefined) return draw(parseHeader(header), name, faultHeader, random);
        return faults.length === 0 ? undefined : draw(faults, name, "WEFT_FAULTS", random);
      };
    },
  };
}

/** Waits out the delay, no longer than the call lives, and fails with the error. */
export async function befall({ delayMs, error }: Injected, signal: AbortSignal): Promise<void> {
  // The reason of the signal is what the call is to end with: its deadline, or its caller gone.
  if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  if (error) throw error;
}

/** Asked by whoever reads the configuration: faults in production must be wanted twice. */
export function checkFaultsAllowed(rules: readonly FaultRule[], production: boolean, wanted: boolean): void {
  if (!production || wanted || rules.length === 0) return;
  throw fail.precondition(
    "faults_in_production",
    "WEFT_FAULTS is set in production, where it would fail calls",
    {
      remedy: "take it out, or set WEFT_FAULTS_IN_PRODUCTION=true if that is what you want",
    },
  );
}

/** The rules that name a method more exactly come first; of those alike, the later one. */
function faultsOf(rules: readonly FaultRule[], name: string): readonly Fault[] {
  const slash = name.indexOf("/");
  const service = name.slice(0, slash);
  const method = name.slice(slash + 1);
  let best: FaultRule | undefined;
  for (const rule of rules) {
    if (!matches(rule.service, service) || !matches(rule.method, method)) continue;
    if (!best || exactness(rule) >= exactness(best)) best = rule;
  }
  return best?.faults ?? [];
}

const matches = (pattern: string, name: string) =>
  pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;

/** Longer is more exact, and no wildcard is more exact than one. */
const exactness = ({ service, method }: FaultRule) =>
  2 * (service.length + method.length) - (service.endsWith("*") ? 1 : 0) - (method.endsWith("*") ? 1 : 0);

function draw(
  faults: readonly Fault[],
  method: string,
  source: string,
  random: () => number,
): Injected | undefined {
  let delayMs = 0;
  let error: WeftError | undefined;
  for (const fault of faults) {
    if (random() >= fault.share) continue;
    if (fault.kind === "delay") delayMs += fault.delayMs;
    else error ??= injectedError(fault, method, source);
  }
  return delayMs === 0 && error === undefined ? undefined : { delayMs, error };
}

function injectedError(
  { code }: Extract<Fault, { kind: "abort" }>,
  method: string,
  source: string,
): WeftError {
  return new FaultError(
    code,
    "fault_injected",
    `injected fault: ${method} was made to fail with ${codeName(code)} by ${source}`,
    { remedy: "nothing is broken; take the fault out to have calls answered again" },
  );
}

function parseHeader(value: string): readonly Fault[] {
  try {
    return parseFaults(value);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw fail.invalid("bad_fault_header", `the header ${faultHeader} ${error.message}`);
  }
}
