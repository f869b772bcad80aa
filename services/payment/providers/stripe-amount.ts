import type { Money } from "../money.ts";
import { fractionDigits } from "../money.ts";

/** Stripe counts these in hundredths, though they have none (docs.stripe.com/currencies#special-cases). */
const inHundredths = new Set(["ISK", "UGX"]);

/** An amount as Stripe takes it; nothing for one that it does not take. */
export function toStripeAmount({ currency, minorUnits }: Money): number | undefined {
  // The last digit of three behind the point must be zero there.
  if (fractionDigits(currency) === 3 && minorUnits % 10n !== 0n) return undefined;
  return Number(inHundredths.has(currency) ? minorUnits * 100n : minorUnits);
}
