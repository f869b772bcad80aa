import { Severity, ThreatKind } from "#gen/security/v1/threats_pb.js";

const minuteMs = 60_000;

/** What is held to be an attack. */
export const failureWindowMs = 15 * minuteMs;
const failuresAtAccount = 10;
const failuresFromAddress = 30;
const signInsBeforePlacesTell = 3;
const signInsBeforeHoursTell = 10;
const usualHours = 2;
export const limitWindowMs = 10 * minuteMs;
const hitsInWindow = 100;

/** A threat that is the same one when it is seen again within this time. */
export const repeatMs = 60 * minuteMs;

export interface Finding {
  readonly kind: ThreatKind;
  readonly severity: Severity;
  /** Whom it is about: `user:…`, `account:…`, `address:…`, or as it was reported. */
  readonly subject: string;
  readonly description: string;
}

export interface SignIn {
  /** Known when the account exists. */
  readonly userId: string | undefined;
  readonly account: string;
  readonly address: string;
  readonly network: string;
  readonly succeeded: boolean;
  readonly timeMs: number;
}

/** What went before a sign-in, without it. */
export interface History {
  /** Within the window. */
  readonly failuresAtAccount: number;
  readonly failuresFromAddress: number;
  /** Successful ones of this user. */
  readonly signIns: readonly { readonly network: string; readonly timeMs: number }[];
}

/** What a sign-in tells, in the light of what went before it. */
export function judgeSignIn(signIn: SignIn, history: History): Finding[] {
  return signIn.succeeded
    ? [...guessed(signIn, history), ...unusualPlace(signIn, history), ...unusualHour(signIn, history)]
    : guessing(signIn, history);
}

function guessing(signIn: SignIn, history: History): Finding[] {
  const findings: Finding[] = [];
  const atAccount = history.failuresAtAccount + 1;
  const fromAddress = history.failuresFromAddress + 1;
  if (atAccount >= failuresAtAccount) {
    findings.push({
      ...bruteForce(subjectOf(signIn)),
      description: `${atAccount} sign-ins to one account failed within 15 minutes`,
    });
  }
  if (signIn.address && fromAddress >= failuresFromAddress) {
    findings.push({
      ...bruteForce(`address:${signIn.address}`),
      description: `${fromAddress} sign-ins from one address failed within 15 minutes`,
    });
  }
  return findings;
}

/** Somebody who failed that often and then knew the password may have guessed it. */
function guessed(signIn: SignIn, history: History): Finding[] {
  const findings: Finding[] = [];
  if (history.failuresAtAccount >= failuresAtAccount) {
    findings.push({
      ...bruteForce(subjectOf(signIn), Severity.HIGH),
      description: `a sign-in succeeded after ${history.failuresAtAccount} to the same account had failed within 15 minutes`,
    });
  }
  if (signIn.address && history.failuresFromAddress >= failuresFromAddress) {
    findings.push({
      ...bruteForce(`address:${signIn.address}`, Severity.HIGH),
      description: `a sign-in succeeded after ${history.failuresFromAddress} from the same address had failed within 15 minutes`,
    });
  }
  return findings;
}

function unusualPlace(signIn: SignIn, { signIns }: History): Finding[] {
  const { userId, network } = signIn;
  if (!userId || !network || signIns.length < signInsBeforePlacesTell) return [];
  if (signIns.some((before) => before.network === network)) return [];
  return [
    {
      kind: ThreatKind.UNUSUAL_PLACE,
      severity: Severity.MEDIUM,
      subject: `user:${userId}`,
      description: `signed in from the network ${network}, in which the user was never seen before`,
    },
  ];
}

function unusualHour({ userId, timeMs }: SignIn, { signIns }: History): Finding[] {
  if (!userId || signIns.length < signInsBeforeHoursTell) return [];
  const hour = hourOf(timeMs);
  if (signIns.some((before) => hoursApart(hourOf(before.timeMs), hour) <= usualHours)) return [];
  return [
    {
      kind: ThreatKind.UNUSUAL_HOUR,
      severity: Severity.LOW,
      subject: `user:${userId}`,
      description: `signed in at ${hour}:00 UTC, an hour at which the user was never seen before`,
    },
  ];
}

/** What it tells that somebody ran into limits this often within the window. */
export function judgeLimitHits(identity: string, hits: number, method: string): Finding[] {
  if (hits < hitsInWindow) return [];
  return [
    {
      kind: ThreatKind.LIMIT_ABUSE,
      severity: Severity.MEDIUM,
      subject: identity,
      description: `ran into limits ${hits} times within 10 minutes${method ? `, last at ${method}` : ""}`,
    },
  ];
}

const bruteForce = (subject: string, severity: Severity = Severity.MEDIUM) => ({
  kind: ThreatKind.BRUTE_FORCE,
  severity,
  subject,
});

const subjectOf = ({ userId, account }: SignIn): string => (userId ? `user:${userId}` : `account:${account}`);

const hourOf = (timeMs: number): number => new Date(timeMs).getUTCHours();

/** On the clock's circle: 23 and 1 are two apart. */
export function hoursApart(a: number, b: number): number {
  const apart = Math.abs(a - b) % 24;
  return Math.min(apart, 24 - apart);
}
