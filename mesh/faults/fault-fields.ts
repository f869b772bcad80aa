import type { Fields } from "../config/fields.ts";
import { field, flag } from "../config/fields.ts";
import { parseFaultRules } from "./fault-rules.ts";

/** The variables about faults made on purpose. */
export const faultFields = {
  WEFT_FAULTS: field(parseFaultRules)(
    "Makes calls fail or wait, for tests: order.v1.OrderService/*=abort:unavailable:10%,delay:200ms:50%; several with ';'. Refused in production.",
    { fallback: "" },
  ),
  WEFT_FAULTS_IN_PRODUCTION: flag("Whether WEFT_FAULTS is meant in production too.", { fallback: "false" }),
} satisfies Fields;
