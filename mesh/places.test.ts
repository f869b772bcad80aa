import { expect, test } from "vitest";
import { createPlaces } from "./places.ts";

const gates = (count: number) => Array.from({ length: count }, () => Promise.withResolvers<void>());

test("a place is free again as soon as what took it is over, whatever the others do", async () => {
  const places = createPlaces(2, () => {});
  const [slow, fast] = gates(2);
  places.take(() => slow!.promise);
  places.take(() => fast!.promise);
  expect(places.free()).toBe(0);
  const freed = places.freed();
  fast!.resolve();
  await freed;
  expect(places.free()).toBe(1);
  slow!.resolve();
  await places.empty();
  expect(places.free()).toBe(2);
});

test("nobody waits for a place while one is free, nor for places that nothing took", async () => {
  const places = createPlaces(2, () => {});
  const [gate] = gates(1);
  places.take(() => gate!.promise);
  await places.freed();
  gate!.resolve();
  await places.empty();
  await places.empty();
});

test("what fails is told, frees its place and stops nothing else", async () => {
  const failures: unknown[] = [];
  const places = createPlaces(1, (error) => failures.push(error));
  places.take(() => Promise.reject(new Error("first")));
  await places.freed();
  places.take(() => {
    throw new Error("second");
  });
  await places.empty();
  expect(failures.map(String)).toEqual(["Error: first", "Error: second"]);
  expect(places.free()).toBe(1);
});
