import type { Field } from "#mesh";
import { BadValue, duration, standingTtlMs, text } from "#mesh";
import { parseMasterKey } from "./master-key.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * Access tokens must be gone before what was announced about them is: an ended
 * session would come back to life.
 */
const longestAccessMs = standingTtlMs - minuteMs;

export const securityFields = {
  SECURITY_MASTER_KEY: {
    description:
      "Encrypts signing keys and seals the audit record: 32 random bytes in base64 or hex (`openssl rand -base64 32`).",
    parse: parseMasterKey,
    fallback: undefined,
    secret: true,
  } satisfies Field<Uint8Array>,
  SECURITY_TRUST_FILE: text(
    'JSON file with the public key and scopes of each service: {"services":{"<name>":{"key":<JWK>,"scopes":[…]}}}.',
  ),
  SECURITY_KEY_ROTATION: within(
    duration("How long one key signs before the next one does.", { fallback: "24h" }),
    minuteMs,
    365 * dayMs,
  ),
  SECURITY_ACCESS_TTL: within(
    duration("How long a user's access token is good.", { fallback: "10m" }),
    1000,
    longestAccessMs,
  ),
  SECURITY_SERVICE_TTL: within(
    duration("How long a service's token is good.", { fallback: "1h" }),
    minuteMs,
    dayMs,
  ),
  SECURITY_SESSION_IDLE: within(
    duration("How long a session lives that is not refreshed.", { fallback: "30d" }),
    minuteMs,
    3650 * dayMs,
  ),
  SECURITY_SESSION_MAX: within(
    duration("How long a session lives, however often it is refreshed.", { fallback: "90d" }),
    minuteMs,
    3650 * dayMs,
  ),
};

function within(field: Field<number>, min: number, max: number): Field<number> {
  return {
    ...field,
    parse: (value) => {
      const ms = field.parse(value);
      if (ms < min || ms > max) throw new BadValue(`must be from ${min / 1000} s to ${max / 1000} s`);
      return ms;
    },
  };
}
