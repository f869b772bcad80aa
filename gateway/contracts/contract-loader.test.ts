import type { FileRegistry } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fail } from "#mesh";
import type { ContractLoader } from "./contract-loader.ts";
import { createContractLoader } from "./contract-loader.ts";
import { testRegistry } from "./testing/test-file.ts";

const wanted = { service: "test", hash: "A" };
let answer: () => Promise<FileRegistry>;
let loads: number;
let changes: number;
let loader: ContractLoader;

const registry = testRegistry({ services: { S: { Do: {} } } });
const missing = () => Promise.reject(fail.notFound("contracts_not_found", "nobody has published it"));
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  loads = changes = 0;
  answer = () => Promise.resolve(registry);
  loader = createContractLoader({
    load: () => {
      loads++;
      return answer();
    },
    changed: () => changes++,
  });
});
afterEach(() => {
  loader.close();
  vi.useRealTimers();
});

test("what is wanted is loaded once, and kept for as long as it is wanted", async () => {
  loader.want([wanted]);
  expect(loader.reading(wanted)).toBeUndefined();
  await pass(0);
  expect(loader.reading(wanted)?.contract?.registry).toBe(registry);
  loader.want([wanted, { service: "other", hash: "A" }]);
  await pass(10_000);
  expect(loads).toBe(2);
  loader.want([]);
  expect(loader.reading(wanted)).toBeUndefined();
});

test("what is not there yet is tried again, soon at first, and its trouble told after a while", async () => {
  answer = missing;
  loader.want([wanted]);
  await pass(500);
  expect([loads, changes]).toEqual([6, 0]);
  expect(loader.trouble(wanted)).toBeUndefined();
  await pass(600);
  expect(loader.trouble(wanted)).toBe("nobody has published it");
  expect([loads, changes]).toEqual([10, 1]);
  await pass(4000);
  expect([loads, changes]).toEqual([12, 1]);
  answer = () => Promise.resolve(registry);
  await pass(2000);
  expect(loader.reading(wanted)?.contract).toBeDefined();
  expect(loader.trouble(wanted)).toBeUndefined();
});

test("what is bad is refused at once, and served when it has been put right", async () => {
  answer = () => Promise.reject(fail.precondition("contracts_forged", "it is not what its hash says"));
  loader.want([wanted]);
  await pass(0);
  expect(loader.reading(wanted)?.problems).toEqual(["it is not what its hash says"]);
  answer = () => Promise.resolve(registry);
  await pass(1000);
  expect(loader.reading(wanted)?.contract).toBeDefined();
});

test("what is not wanted any more is neither tried again nor taken when it comes", async () => {
  answer = missing;
  loader.want([wanted]);
  await pass(50);
  loader.want([]);
  await pass(10_000);
  expect(loads).toBe(1);
  const late = Promise.withResolvers<FileRegistry>();
  answer = () => late.promise;
  loader.want([wanted]);
  loader.close();
  late.resolve(registry);
  await pass(10_000);
  expect([loads, changes]).toEqual([2, 0]);
});

test("options that are no options are a reason to refuse, not to fail", async () => {
  const broken = testRegistry({ services: { S: { Do: {} } } });
  for (const it of broken.getService("test.v1.S")?.methods ?? []) {
    const options = it.proto.options;
    if (options?.$unknown)
      options.$unknown = options.$unknown.map((option) => ({
        ...option,
        data: new Uint8Array([5, 10, 200, 1, 1, 1]),
      }));
  }
  answer = () => Promise.resolve(broken);
  loader.want([wanted]);
  await pass(0);
  expect(loader.reading(wanted)?.problems?.[0]).toMatch(/options cannot be read/);
});
