import { expect, test } from "vitest";
import { requestsText } from "./request-text.ts";

const url = "http://127.0.0.1:8000";

test("a request without a body ends with its headers", () => {
  const requests = [{ method: "GET", path: "/a?b=1", headers: { authorization: "Bearer x" } }];
  expect(requestsText({ url, requests })).toBe(
    "GET /a?b=1 HTTP/1.1\r\nhost: 127.0.0.1:8000\r\nauthorization: Bearer x\r\n\r\n",
  );
});

test("a body comes with its length in bytes", () => {
  const requests = [{ method: "POST", path: "/a", headers: {}, body: '"é"' }];
  expect(requestsText({ url, requests })).toBe(
    'POST /a HTTP/1.1\r\nhost: 127.0.0.1:8000\r\ncontent-length: 4\r\n\r\n"é"',
  );
});

test("a zero byte is between requests", () => {
  const request = { method: "GET", path: "/", headers: {} };
  const [first, second, ...more] = requestsText({ url, requests: [request, request] }).split("\0");
  expect(first).toBe(second);
  expect(more).toEqual([]);
});
