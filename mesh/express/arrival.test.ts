import { expect, test } from "vitest";
import { userHeader } from "../identity/tokens.ts";
import { ExpressArrival } from "./arrival.ts";

const given = {
  authorization: "Bearer token",
  statement: "statement",
  timeoutMs: 100,
  requestId: "r1",
  correlationId: "c1",
  traceparent: "00-1-2-01",
  fields: ["x-mine", "1", "tracestate", "a=b"],
};
const empty = {
  authorization: "",
  statement: "",
  timeoutMs: 0,
  requestId: "",
  correlationId: "",
  traceparent: "",
  fields: undefined,
};

test("what has a place of its own in the frame is a header like any other", () => {
  const arrival = new ExpressArrival(given);
  const all = {
    authorization: "Bearer token",
    [userHeader]: "statement",
    "x-request-id": "r1",
    "x-correlation-id": "c1",
    traceparent: "00-1-2-01",
    "x-mine": "1",
    tracestate: "a=b",
  };
  for (const [name, value] of Object.entries(all)) expect(arrival.header(name)).toBe(value);
  expect(Object.fromEntries(arrival.requestHeader)).toEqual(all);
  expect(arrival.header("x-other")).toBeUndefined();
});

test("what the frame leaves out is not there", () => {
  const arrival = new ExpressArrival(empty);
  for (const name of ["authorization", userHeader, "x-request-id", "traceparent", "x-mine"])
    expect(arrival.header(name)).toBeUndefined();
  expect([...arrival.requestHeader]).toEqual([]);
});

test("a field cannot stand in for the proof of who calls", () => {
  const arrival = new ExpressArrival({
    ...empty,
    fields: ["authorization", "Bearer forged", userHeader, "forged"],
  });
  expect([arrival.header("authorization"), arrival.header(userHeader)]).toEqual([undefined, undefined]);
  const both = new ExpressArrival({ ...given, fields: ["authorization", "Bearer forged"] });
  expect(both.requestHeader.get("authorization")).toBe("Bearer token");
});

test("what HTTP could not carry is no reason to fail for whoever looks at the headers", () => {
  const odd = "\u20ac\r\n";
  const all = { authorization: odd, statement: odd, requestId: odd, correlationId: odd, traceparent: odd };
  const arrival = new ExpressArrival({ ...given, ...all });
  expect(Object.fromEntries(arrival.requestHeader)).toEqual({ "x-mine": "1", tracestate: "a=b" });
  expect(arrival.header("x-mine")).toBe("1");
  expect(arrival.header("authorization")).toBe(odd);
});

test("headers of the answer are made when they are set", () => {
  const arrival = new ExpressArrival(given);
  expect([arrival.answerHeader, arrival.answerTrailer]).toEqual([undefined, undefined]);
  arrival.responseHeader.set("x-a", "1");
  arrival.responseTrailer.set("x-b", "2");
  expect([arrival.answerHeader?.get("x-a"), arrival.answerTrailer?.get("x-b")]).toEqual(["1", "2"]);
});
