import { expect, test } from "vitest";
import { fittingRooms } from "./claiming.ts";

test("rooms of one type are one room", () => {
  const wanted = [
    { type: "a", places: 2 },
    { type: "b", places: 1 },
    { type: "a", places: 3 },
  ];
  expect(fittingRooms(wanted)).toEqual({
    rooms: [
      { type: "a", places: 5 },
      { type: "b", places: 1 },
    ],
    cut: false,
  });
});

test("rooms for more than one answer takes are cut, each to its share", () => {
  const wanted = ["a", "b", "c", "d"].map((type) => ({ type, places: type === "d" ? 3 : 1000 }));
  const { rooms, cut } = fittingRooms(wanted);
  expect(cut).toBe(true);
  expect(rooms.map(({ places }) => places)).toEqual([250, 250, 250, 3]);
});
