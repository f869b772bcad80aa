import { beforeEach, expect, test } from "vitest";
import type { Directory } from "./directory.ts";
import type { Instance } from "./instance.ts";
import { createLayeredDirectory } from "./layered-directory.ts";
import { createStaticDirectory, staticInstance } from "./static-directory.ts";
import type { View } from "./view.ts";
import { createView } from "./view.ts";

const announced = (service: string, host: string): Instance => ({
  ...staticInstance(service, host, 9000),
  id: host,
});
let view: View;
let closed: number;
let directory: Directory;
const hosts = (service: string) => directory.instances(service).map(({ host }) => host);

beforeEach(() => {
  view = createView({ now: () => 0 });
  view.trust();
  closed = 0;
  directory = createLayeredDirectory({
    fixed: createStaticDirectory({ order: "http://a:8012|http://b:8012" }),
    discovered: { instances: view.instances, watch: view.watch, close: () => closed++ },
    usual: (service) => (service === "nobody" ? undefined : { host: "127.0.0.1", port: 8001 }),
  });
});

test("what configuration names is all there is, whatever is announced", () => {
  let changes = 0;
  directory.watch("order", () => changes++);
  view.put(announced("order", "c"), 1);
  expect(hosts("order")).toEqual(["a", "b"]);
  expect(changes).toBe(0);
});

test("others are where they announce themselves, and at their usual place when nobody does", () => {
  const seen: string[][] = [];
  const stop = directory.watch("user", (instances) => seen.push(instances.map(({ host }) => host)));
  const usual = directory.instances("user");
  expect(usual).toMatchObject([{ id: "static-127.0.0.1:8001", host: "127.0.0.1", port: 8001 }]);
  expect(directory.instances("user")).toBe(usual);
  view.put(announced("user", "c"), 1);
  expect(hosts("user")).toEqual(["c"]);
  expect(directory.instances("user")).toBe(view.instances("user"));
  view.withdraw("user", "c");
  expect(directory.instances("user")).toBe(usual);
  stop();
  view.put(announced("user", "d"), 2);
  expect(seen).toEqual([["c"], ["127.0.0.1"]]);
});

test("a service that has no usual place either has nobody", () => {
  expect(directory.instances("nobody")).toEqual([]);
});

test("closing it closes what it is made of", () => {
  directory.close();
  expect(closed).toBe(1);
});
