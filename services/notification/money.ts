interface Amount {
  readonly currency: string;
  readonly minorUnits: bigint;
}

/** Such as `GH₵185.00`, as it is written in a locale; exact, whatever the sum. */
export function writeMoney({ currency, minorUnits }: Amount, locale: string): string {
  const format = new Intl.NumberFormat(canonicalLocale(locale), { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  const sign = minorUnits < 0n ? "-" : "";
  const units = `${minorUnits < 0n ? -minorUnits : minorUnits}`.padStart(digits + 1, "0");
  const whole = units.slice(0, units.length - digits);
  const decimal = `${sign}${whole}${digits > 0 ? `.${units.slice(-digits)}` : ""}`;
  return format.format(decimal as Intl.StringNumericLiteral);
}

function canonicalLocale(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? "en";
  } catch (error) {
    if (error instanceof RangeError) return "en";
    throw error;
  }
}

/** A figure as it is written in a locale, such as `1,234.5`. */
const writeNumber = (value: number, locale: string): string =>
  new Intl.NumberFormat(canonicalLocale(locale), { maximumFractionDigits: 2 }).format(value);

/** A figure; with a currency, it counts its minor units. */
export const writeFigure = (value: number, currency: string, locale: string): string =>
  currency === ""
    ? writeNumber(value, locale)
    : writeMoney({ currency, minorUnits: BigInt(Math.round(value)) }, locale);
