import type { CreatePaymentRequest } from "#gen/payment/v1/payment_pb.js";
import { fail } from "#mesh";
import { holdsCardNumber, refuseCardNumbers } from "./card-number.ts";
import type { ProviderName } from "./providers/provider.ts";
import { cardNumberRefused } from "./refusals.ts";

/** How one pays: whom the money is asked of, and from where it comes. */
export interface Method {
  readonly provider: ProviderName;
  readonly method: "card" | "mobile_money";
  readonly source: string;
  readonly methodLabel: string;
}

/** Numbers of telephones have up to 15 digits, and one in ten passes for one of a card; these cannot be one. */
const phoneDigits = 14;
const neverPhone = /^\+3[04678]/;

export function methodOf({ method }: CreatePaymentRequest): Method {
  switch (method.case) {
    case "card": {
      const { token } = method.value;
      refuseCardNumbers(token);
      return { provider: "stripe", method: "card", source: token, methodLabel: "card" };
    }
    case "mobileMoney": {
      const { phone } = method.value;
      if (neverPhone.test(phone) && holdsCardNumber(phone, phoneDigits)) throw cardNumberRefused();
      return { provider: "momo", method: "mobile_money", source: phone, methodLabel: maskPhone(phone) };
    }
    default:
      throw fail.invalid("contract_violation", "neither a card nor mobile money is named");
  }
}

/** Enough for its owner to know it by: `+233…4567`. */
export const maskPhone = (phone: string): string => `${phone.slice(0, 4)}…${phone.slice(-4)}`;
