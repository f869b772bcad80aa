import { decodeJwt, errors, jwtVerify } from "jose";
import { algorithm, tokenTypes } from "#mesh";
import type { Trust, TrustedService } from "./trust.ts";

/** The audience of assertions: us. */
const audience = "security";
/** An assertion proves who is there now, so it lives as long as a request does. */
const longestAheadS = 120;
const clockToleranceS = 5;
const longestJti = 200;

export interface Accepted {
  readonly ok: true;
  readonly service: string;
  readonly trusted: TrustedService;
  readonly jti: string;
  /** When it would be refused as expired; until then it must be remembered as used. */
  readonly forgetMs: number;
}

export type AssertionProblem =
  | "malformed"
  | "unknown_service"
  | "bad_signature"
  | "expired"
  | "bad_claims"
  | "replayed";

export interface Refused {
  readonly ok: false;
  readonly problem: AssertionProblem;
  /** Whom it claims to come from, when that is a service we know. */
  readonly service?: string;
}

/** Holds an assertion to RFC 7523 §3. Whether it was used before is not asked here. */
export async function readAssertion(
  assertion: string,
  trust: Trust,
  nowMs: number,
): Promise<Accepted | Refused> {
  const service = claimedName(assertion);
  if (!service) return { ok: false, problem: "malformed" };
  const trusted = await trust.find(service);
  if (!trusted) return { ok: false, problem: "unknown_service" };
  try {
    const { payload } = await jwtVerify(assertion, trusted.key, {
      algorithms: [algorithm],
      typ: tokenTypes.assertion,
      issuer: service,
      subject: service,
      audience,
      requiredClaims: ["exp", "jti"],
      currentDate: new Date(nowMs),
      clockTolerance: clockToleranceS,
    });
    const { jti = "", exp = 0 } = payload;
    const tooFarAhead = exp * 1000 > nowMs + (longestAheadS + clockToleranceS) * 1000;
    if (tooFarAhead || !isJti(jti)) return { ok: false, problem: "bad_claims", service };
    return { ok: true, service, trusted, jti, forgetMs: (exp + clockToleranceS + 1) * 1000 };
  } catch (error) {
    const problem = problemOf(error);
    if (!problem) throw error;
    return { ok: false, problem, service };
  }
}

/** Not believed yet: it only tells whose key to try. */
function claimedName(assertion: string): string | undefined {
  try {
    const { iss } = decodeJwt(assertion);
    return typeof iss === "string" && iss.length <= 63 ? iss : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

const isJti = (jti: unknown): jti is string =>
  typeof jti === "string" && jti.length > 0 && jti.length <= longestJti && !jti.includes("\0");

function problemOf(error: unknown): AssertionProblem | undefined {
  if (error instanceof errors.JWSSignatureVerificationFailed) return "bad_signature";
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) return "bad_claims";
  if (error instanceof errors.JOSEError || error instanceof TypeError) return "malformed";
  return undefined;
}
