import { expect, test } from "vitest";
import { createMembers } from "./members.ts";

const three = () => {
  const members = createMembers({ self: "b", goneMs: 1500, most: 3 });
  members.heard("c", 0);
  members.heard("a", 0);
  return members;
};

test("all that were heard count, in an order that all agree on", () => {
  const members = three();
  expect(members.view()).toEqual({ count: 3, rank: 1, others: ["a", "c"] });
  expect(members.heard("c", 10)).toBe(false);
  expect(members.heard("b", 10)).toBe(false);
  expect(members.heard("d", 10)).toBe(true);
});

test("who is silent for too long is gone, who says farewell at once", () => {
  const members = three();
  members.heard("c", 1000);
  members.age(1499, 0);
  expect(members.view().count).toBe(3);
  members.age(1500, 0);
  expect(members.view().others).toEqual(["c"]);
  members.left("c");
  expect(members.view().count).toBe(1);
});

test("a time in which this one could hear nobody is not held against them", () => {
  const members = three();
  members.age(5300, 5000);
  expect(members.view().count).toBe(3);
  members.age(6600, 0);
  expect(members.view().count).toBe(1);
});

test("a crowd of made-up replicas does not count beyond the bound", () => {
  const members = three();
  for (let i = 0; i < 100; i++) members.heard(`x${i}`, 0);
  expect(members.view().count).toBe(4);
  members.forgetAll();
  expect(members.view()).toEqual({ count: 1, rank: 0, others: [] });
});
