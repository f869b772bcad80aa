import { expect, test } from "vitest";
import type { NodeServerRequest } from "#mesh/server/node.ts";
import { inwardFields, passable } from "./passed-headers.ts";

const request = (headers: Record<string, string>) =>
  ({ headers, httpVersionMajor: 1 }) as unknown as NodeServerRequest;

test("a handler is told the headers that its contract names, and no others", () => {
  const headers = { "stripe-signature": "t=1,v1=2", "x-other": "3", "idempotency-key": "k" };
  const also = passable(["Stripe-Signature", "webhook-id"]);
  expect(inwardFields(request(headers), "10.0.0.1", also)).toEqual([
    "x-forwarded-for",
    "10.0.0.1",
    "idempotency-key",
    "k",
    "stripe-signature",
    "t=1,v1=2",
  ]);
});

test("no contract is told what the gateway and the mesh say themselves, nor what is no name of a header", () => {
  const names = [
    "authorization",
    "Cookie",
    "weft-user",
    "x-forwarded-for",
    "x-service-name",
    "traceparent",
    "grpc-tags-bin",
    "content-type",
    "te",
    "a b",
    "x:y",
    "",
  ];
  expect(passable(names)).toEqual([]);
});
