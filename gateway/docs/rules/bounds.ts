/** The bounds of buf.validate, which are alike for numbers, durations and timestamps. */
export interface Bounds<T> {
  readonly lessThan: { readonly case?: string | undefined; readonly value?: T | boolean | undefined };
  readonly greaterThan: { readonly case?: string | undefined; readonly value?: T | boolean | undefined };
}

export interface Bound<T> {
  readonly value: T;
  /** The bound itself is allowed. */
  readonly inclusive: boolean;
}

export function upperOf<T>({ lessThan }: Bounds<T>): Bound<T> | undefined {
  const { value } = lessThan;
  return value === undefined || typeof value === "boolean"
    ? undefined
    : { value, inclusive: lessThan.case === "lte" };
}

export function lowerOf<T>({ greaterThan }: Bounds<T>): Bound<T> | undefined {
  const { value } = greaterThan;
  return value === undefined || typeof value === "boolean"
    ? undefined
    : { value, inclusive: greaterThan.case === "gte" };
}

/**
 * Whether a value lies within the bounds. A lower bound above the upper one
 * means that it must lie outside of what is between them.
 */
export function isWithin<T extends number | bigint>(
  value: T,
  lower: Bound<T> | undefined,
  upper: Bound<T> | undefined,
): boolean {
  const above = !lower || value > lower.value || (lower.inclusive && value === lower.value);
  const below = !upper || value < upper.value || (upper.inclusive && value === upper.value);
  return isOutside(lower, upper) ? above || below : above && below;
}

export const isOutside = <T extends number | bigint>(
  lower: Bound<T> | undefined,
  upper: Bound<T> | undefined,
): boolean => lower !== undefined && upper !== undefined && lower.value > upper.value;

/** The bounds as a sentence. */
export function boundsInWords<T extends number | bigint>(
  lower: Bound<T> | undefined,
  upper: Bound<T> | undefined,
  show: (value: T) => string,
): string | undefined {
  const low = lower && `${lower.inclusive ? "at least" : "more than"} ${show(lower.value)}`;
  const high = upper && `${upper.inclusive ? "at most" : "less than"} ${show(upper.value)}`;
  const text = [low, high].filter((it) => it !== undefined).join(isOutside(lower, upper) ? " or " : " and ");
  return text === "" ? undefined : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
