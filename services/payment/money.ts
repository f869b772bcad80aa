/** An amount in the smallest unit of its currency. */
export interface Money {
  readonly currency: string;
  readonly minorUnits: bigint;
}

/** As ISO 4217 has it; `Intl` goes by what is usual in shops, which is less for some. */
const withoutFraction = new Set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(" "));
const withThousandths = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));

/** How many digits of the amount stand behind the point: 2 for USD, 0 for JPY. */
export function fractionDigits(currency: string): number {
  if (withoutFraction.has(currency)) return 0;
  return withThousandths.has(currency) ? 3 : 2;
}

/** As people and some providers write it: `10.99` for 1099 USD. */
export function toDecimal({ currency, minorUnits }: Money): string {
  const digits = fractionDigits(currency);
  if (digits === 0) return minorUnits.toString();
  const text = minorUnits.toString().padStart(digits + 1, "0");
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
