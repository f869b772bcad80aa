import { expect, test } from "vitest";
import { detailsWithoutSecrets, withoutSecrets } from "./audit-secrets.ts";

test.each([
  "password",
  "newPassword",
  "api_key",
  "Authorization",
  "refresh_token",
  "client-secret",
  "otp",
  "cvv",
])("what is called %s is hidden whatever it is", (name) => {
  expect(detailsWithoutSecrets({ [name]: "abc" })).toEqual({ [name]: "[redacted]" });
});

test.each(["author", "reason", "address", "problem", "before", "shipping", "opinion"])(
  "what is called %s is kept",
  (name) => {
    expect(detailsWithoutSecrets({ [name]: "abc" })).toEqual({ [name]: "abc" });
  },
);

test("text without secrets stays as it is", () => {
  for (const text of ["order 12 for https://example.com/a:b@c", "bearer of news", "a wr_ b", "eyJ"]) {
    expect(withoutSecrets(text)).toBe(text);
  }
});
