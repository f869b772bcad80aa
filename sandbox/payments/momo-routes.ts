import type { Route } from "../http.ts";
import type { Momo } from "./momo.ts";

export interface MomoRoutesOptions {
  momo: Momo;
  key: string;
  isDown: () => boolean;
}

/** The part of a mobile money API that is used. */
export function momoRoutes({ momo, key, isDown }: MomoRoutesOptions): Route {
  return ({ method, path, body, header }) => {
    const [, product, version, what, id = ""] = path.split("/");
    const isCollection = product === "collection" && what === "requesttopay";
    const isRefund = product === "disbursement" && what === "refund";
    if (version !== "v1_0" || !(isCollection || isRefund)) return undefined;
    if (isDown()) return { status: 503, body: { code: "SERVICE_UNAVAILABLE" } };
    if (header("authorization") !== `Bearer ${key}`) return { status: 401, body: { code: "UNAUTHORIZED" } };
    if (method === "GET") return isCollection ? momo.findRequest(id) : momo.findRefund(id);
    if (method !== "POST" || id !== "") return undefined;
    const reference = header("x-reference-id").toLowerCase();
    return isCollection ? momo.requestToPay(reference, body) : momo.refund(reference, body);
  };
}
