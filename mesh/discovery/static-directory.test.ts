import { describe, expect, test } from "vitest";
import { createStaticDirectory } from "./static-directory.ts";

describe("instances that configuration names", () => {
  test("are where it says, each once, and always the same", () => {
    const directory = createStaticDirectory({
      order: "http://b:8012|http://a:8012|http://b:8012/",
      user: "http://[::1]",
    });
    const orders = directory.instances("order");
    expect(orders.map(({ id, host, port }) => [id, host, port])).toEqual([
      ["static-a:8012", "a", 8012],
      ["static-b:8012", "b", 8012],
    ]);
    expect(orders[0]).toMatchObject({ service: "order", weight: 100, express: true });
    expect(directory.instances("order")).toBe(orders);
    expect(directory.instances("user")).toMatchObject([{ id: "static-::1:80", host: "::1", port: 80 }]);
  });

  test("are none for a service it does not name", () => {
    const directory = createStaticDirectory({});
    for (const name of ["order", "constructor", "__proto__"]) expect(directory.instances(name)).toEqual([]);
  });

  test.each(["https://order", "http://order/path", "http://order?a=b", "http://0.0.0.0:8012"])(
    "at %s are refused, as they cannot be called there",
    (url) => {
      expect(() => createStaticDirectory({ order: url })).toThrow(
        /WEFT_ENDPOINTS: order .*http:\/\/host:port/,
      );
    },
  );
});
