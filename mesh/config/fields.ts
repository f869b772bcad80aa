/** One environment variable: what it is for, how it reads, what it is when unset. */
export interface Field<T> {
  readonly description: string;
  readonly parse: (text: string) => T;
  /** Text form of the default, as `.env.example` shows it; without one the variable is required. */
  readonly fallback: string | undefined;
  /** Never shown, not even in an error. */
  readonly secret: boolean;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

interface FieldOptions {
  fallback?: string;
  secret?: boolean;
}

/** Thrown by a parser; the text completes the sentence `<NAME> …`. */
export class BadValue extends Error {}

/** Makes a kind of variable of a parser. */
export function field<T>(parse: (text: string) => T) {
  return (description: string, { fallback, secret = false }: FieldOptions = {}): Field<T> => ({
    description,
    parse,
    fallback,
    secret,
  });
}

export const text = field((value) => value);

export const integer = (min: number, max: number) =>
  field((value) => {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || number < min || number > max) {
      throw new BadValue(`must be a whole number from ${min} to ${max}`);
    }
    return number;
  });

export const port = integer(0, 65535);

export const flag = field((value) => {
  if (value !== "true" && value !== "false") throw new BadValue("must be true or false");
  return value === "true";
});

export const oneOf = <const T extends string>(...allowed: readonly T[]) =>
  field((value) => {
    const found = allowed.find((it) => it === value);
    if (found === undefined) throw new BadValue(`must be one of ${allowed.join(", ")}`);
    return found;
  });

/** A URL with one of these schemes, or empty for none. */
export const url = (...schemes: readonly string[]) =>
  field((value) => {
    if (value === "") return undefined;
    const parsed = URL.canParse(value) ? new URL(value) : undefined;
    if (!parsed || !schemes.includes(parsed.protocol.slice(0, -1))) {
      throw new BadValue(`must be a URL that starts with ${schemes.map((it) => `${it}://`).join(" or ")}`);
    }
    return parsed;
  });

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const lengthOf = (value: string): number => {
  const [, amount, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(value) ?? [];
  if (!amount || !unit) throw new BadValue("must be a length of time such as 500ms, 30s, 10m, 1h or 7d");
  return Number(amount) * unitsMs[unit as keyof typeof unitsMs];
};

/** A length of time such as `30s` or `10m`, in milliseconds. */
export const duration = field(lengthOf);

/** The same, with a bound that is written the same way. */
export const durationUpTo = (most: string) =>
  field((value) => {
    const ms = lengthOf(value);
    if (ms > lengthOf(most)) throw new BadValue(`must be at most ${most}`);
    return ms;
  });

export const durationFrom = (least: string) =>
  field((value) => {
    const ms = lengthOf(value);
    if (ms < lengthOf(least)) throw new BadValue(`must be at least ${least}`);
    return ms;
  });
