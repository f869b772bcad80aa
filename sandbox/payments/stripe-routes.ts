import { parseForm, textAt } from "../form.ts";
import type { Reply, Request, Route, Silence } from "../http.ts";
import type { Once } from "./idempotency.ts";
import type { Stripe } from "./stripe.ts";
import { down, noKey } from "./stripe-errors.ts";

export interface StripeRoutesOptions {
  stripe: Stripe;
  once: Once;
  key: string;
  isDown: () => boolean;
}

/** The part of Stripe's REST API that is used. */
export function stripeRoutes({ stripe, once, key, isDown }: StripeRoutesOptions): Route {
  return (request) => {
    if (!request.path.startsWith("/v1/")) return undefined;
    if (isDown()) return down();
    if (request.header("authorization") !== `Bearer ${key}`) return noKey();
    if (request.method === "GET") return get(request);
    if (request.method !== "POST") return undefined;
    const work = post(request);
    if (!work) return undefined;
    return once.run(request.header("idempotency-key"), `${request.path}\n${request.body}`, async () =>
      work(),
    );
  };

  function get({ path, query }: Request): Reply | undefined {
    const [, , kind, id = ""] = path.split("/");
    if (kind === "payment_intents" && id === "search") return stripe.search(query.get("query") ?? "");
    if (kind === "payment_intents" && id !== "") return stripe.findIntent(id);
    if (kind === "refunds" && id !== "") return stripe.findRefund(id);
    return kind === "refunds" ? stripe.listRefunds(query.get("payment_intent") ?? "") : undefined;
  }

  function post({ path, body }: Request): (() => Promise<Reply | Silence> | Reply) | undefined {
    const [, , kind, id = "", verb] = path.split("/");
    const form = parseForm(body);
    if (kind === "payment_intents" && id === "") {
      if (textAt(form, "confirm") !== "true") return undefined;
      return () => stripe.createIntent(form);
    }
    if (kind === "payment_intents" && verb === "cancel") return () => stripe.cancel(id);
    return kind === "refunds" && id === "" ? () => stripe.createRefund(form) : undefined;
  }
}
