/** What a call is told about the work that it is part of. */
export interface Parent {
  readonly traceId: string;
  /** The span that this work was begun by. */
  readonly spanId: string;
  /** Whether the trace is recorded. */
  readonly sampled: boolean;
  /** What other vendors' tracers pass along, untouched. */
  readonly tracestate?: string | undefined;
  /**
   * Comes from no service of the mesh. Its trace id is kept, its wish to be
   * recorded is not: anybody could have every call recorded. Default: false.
   */
  readonly outside?: boolean;
}

const length = 55;
/** What the W3C asks every party to be able to pass on. */
const longestTracestate = 512;
const dash = 45;

/**
 * Reads a `traceparent` header (W3C Trace Context §3.2); undefined when there
 * is none or it is not valid. A later version may carry more after the flags.
 */
export function parseTraceparent(
  value: string | null | undefined,
  tracestate?: string | null,
  outside = false,
): Parent | undefined {
  if (!value || value.length < length) return undefined;
  if (value.length > length && (value.startsWith("00") || value.charCodeAt(length) !== dash))
    return undefined;
  if (!isHex(value, 0, 2) || !isHex(value, 3, 35) || !isHex(value, 36, 52) || !isHex(value, 53, 55)) {
    return undefined;
  }
  if (value.charCodeAt(2) !== dash || value.charCodeAt(35) !== dash || value.charCodeAt(52) !== dash) {
    return undefined;
  }
  if (value.startsWith("ff") || isZero(value, 3, 35) || isZero(value, 36, 52)) return undefined;
  return {
    traceId: value.substring(3, 35),
    spanId: value.substring(36, 52),
    sampled: (hexDigit(value.charCodeAt(54)) & 1) === 1,
    tracestate: tracestate ? acceptTracestate(tracestate) : undefined,
    outside,
  };
}

/** Writes a `traceparent` header. */
export function formatTraceparent({ traceId, spanId, sampled }: Parent): string {
  return sampled ? `00-${traceId}-${spanId}-01` : `00-${traceId}-${spanId}-00`;
}

/** Dropped rather than cut when too long: half a member would be a lie about another tracer. */
export function acceptTracestate(value: string): string | undefined {
  if (value.length > longestTracestate) return undefined;
  for (let at = 0; at < value.length; at++) {
    const char = value.charCodeAt(at);
    if (char < 0x20 || char > 0x7e) return undefined;
  }
  return value;
}

function isHex(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const char = text.charCodeAt(at);
    // 0-9 or a-f; capitals are not allowed.
    if (!((char >= 48 && char <= 57) || (char >= 97 && char <= 102))) return false;
  }
  return true;
}

function isZero(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) !== 48) return false;
  return true;
}

const hexDigit = (char: number): number => (char <= 57 ? char - 48 : char - 87);
