import { expect, test } from "vitest";
import { badHeaders } from "../testing/bad-headers.ts";
import { openWorld } from "../testing/bus.ts";

test("headers that the client would not write are left out, and the others are there", async () => {
  await using world = openWorld();
  const { connection } = await world.connect();
  const subject = `${world.namespace}.headers`;
  const subscription = connection.subscribe(subject, { max: 2 });
  const text = "NATS/1.0\r\nbad name: 1\r\nGood: yes\r\nWith: lonely\rreturn\r\n\r\n";
  connection.publish(subject, "one", { headers: badHeaders(text) });
  connection.publish(subject, "two");
  const seen: unknown[] = [];
  for await (const { headers } of subscription) seen.push(headers && [...headers]);
  expect(seen).toEqual([[["Good", ["yes"]]], undefined]);
});

test("a bucket is followed past an entry with such headers", async () => {
  await using world = openWorld();
  const nats = await world.connect();
  const bucket = await nats.bucket("followed");
  nats.connection.publish(`$KV.${nats.nameOf("followed")}.bad`, "x", { headers: badHeaders() });
  await bucket.put("good", "y");
  const keys: string[] = [];
  for await (const { key } of await bucket.watch()) {
    keys.push(key);
    if (key === "good") break;
  }
  expect(keys).toEqual(["bad", "good"]);
});
