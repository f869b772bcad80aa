import { expect, test } from "vitest";
import { exchangeOf, routeOf } from "../cache/testing/asking.ts";
import { outlivesItsClient } from "./request-key.ts";

const key = { "idempotency-key": "k" };
const pay = routeOf({ verb: "POST", keyed: true });

test("a request with a key goes on when its client hangs up, others do not", () => {
  expect(outlivesItsClient(exchangeOf("POST", key).request, pay)).toBe(true);
  expect(outlivesItsClient(exchangeOf("POST").request, pay)).toBe(false);
  expect(outlivesItsClient(exchangeOf("GET", key).request, pay)).toBe(false);
  expect(outlivesItsClient(exchangeOf("POST", key).request, routeOf({ verb: "POST" }))).toBe(false);
});
