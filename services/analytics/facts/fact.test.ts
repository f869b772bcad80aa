import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { newId } from "#mesh";
import { factsOf, idOf } from "./fact.ts";

const event = { id: newId(), time: new Date("2031-05-01T12:00:00Z") };
const at = (time: string) => timestampFromMs(Date.parse(time));

describe("the facts of an event", () => {
  test("have ids that are the same whenever it comes, each its own", () => {
    const said = ["a", "b", "c"].map((metric) => ({ metric, at: undefined }));
    const ids = factsOf(said, event).map(({ id }) => id);
    expect(ids[0]).toBe(event.id);
    expect(new Set(ids).size).toBe(3);
    expect(factsOf(said, event).map(({ id }) => id)).toEqual(ids);
  });

  test("happened when the message says, if that can be", () => {
    const time = (text?: string) =>
      factsOf([{ metric: "a", at: text === undefined ? undefined : at(text) }], event)[0]?.occurredAt;
    expect(time("2031-03-01T00:00:00Z")).toEqual(new Date("2031-03-01T00:00:00Z"));
    expect(time("2031-05-01T12:00:05Z")).toEqual(new Date("2031-05-01T12:00:05Z"));
    for (const none of [undefined, "9999-01-01T00:00:00Z", "1969-01-01T00:00:00Z"]) {
      expect(time(none)).toEqual(event.time);
    }
  });

  test("are nobody's when there is no id", () => {
    const [fact] = factsOf(
      [{ metric: "a", at: undefined, userId: "", ownerId: "?", subject: ["post", ""] }],
      event,
    );
    expect(fact).toMatchObject({ userId: null, ownerId: null, subjectType: "", subjectId: "" });
  });
});

test("ids made of words are UUIDs, and tell words apart however they are cut", () => {
  expect(idOf("user:1", "a")).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(idOf("ab", "c")).not.toBe(idOf("a", "bc"));
});
