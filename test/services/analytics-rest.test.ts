import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#mesh";
import { createAnalyticsService } from "../../services/analytics/service.ts";
import { createQueueService } from "../../services/queue/service.ts";
import type { People } from "../gateway/kit/people.ts";
import { createPeople } from "../gateway/kit/people.ts";
import type { Platform } from "../gateway/kit/platform.ts";
import { ask, startPlatform } from "../gateway/kit/platform.ts";
import { eventually } from "./analytics-world.ts";

let platform: Platform;
let people: People;
beforeAll(async () => {
  people = createPeople();
  platform = await startPlatform({
    services: [people.operator, createQueueService({ paceMs: 20 }), createAnalyticsService({ paceMs: 20 })],
    env: { GATEWAY_TRUSTED_PROXIES: "127.0.0.1/32" },
  });
});
afterAll(() => platform[Symbol.asyncDispose]());

const path = "/api/v1/analytics";

test("over REST, what is tracked is shown, and a report of it is downloaded as the file that it is", async () => {
  const { url } = platform;
  const manager = await people.person(url, "Manager");
  const seller = await people.person(url, "Seller");
  const customer = await people.person(url, "Customer");
  const get = (rest: string, { token }: { token: string }) => ask(url, "GET", `${path}${rest}`, { token });

  const body = {
    events: [{ id: newId(), name: "page_viewed", tags: ["Ghana"], properties: { page: "=home" } }],
  };
  const tracked = () => ask(url, "POST", `${path}/events`, { token: customer.token, body });
  expect((await tracked()).body.data).toEqual({ counted: 1, known: 0 });
  expect((await tracked()).body.data).toEqual({ counted: 0, known: 1 });
  expect((await ask(url, "POST", `${path}/events`, { body })).status).toBe(401);
  const bad = { events: [{ id: newId(), name: "Page Viewed" }] };
  expect((await ask(url, "POST", `${path}/events`, { token: customer.token, body: bad })).status).toBe(422);

  const query = "/dashboard?metrics=tracked.page_viewed&bucket=BUCKET_DAY&span.time_zone=Africa/Accra";
  const shown = await get(query, manager);
  expect(shown.body.data).toMatchObject({ time_zone: "Africa/Accra", bucket: "BUCKET_DAY" });
  expect(shown.body.data.metrics).toMatchObject([{ name: "tracked.page_viewed", count: "1" }]);
  expect((await get(query, seller)).body.data.metrics[0]).toMatchObject({ count: "0" });
  expect((await get(query, customer)).status).toBe(403);
  expect((await get(`/dashboard?owner_id=${manager.id}`, seller)).status).toBe(403);
  expect((await get("/dashboard?span.time_zone=Mars/Olympus", seller)).status).toBe(400);
  expect((await get("/trends?kind=TREND_KIND_TAG", manager)).body.data.trends).toMatchObject([
    { key: "ghana" },
  ]);
  expect((await get("/audience", manager)).body.data).toMatchObject({ active: expect.any(String) });

  const made = await ask(url, "POST", `${path}/reports`, {
    token: manager.token,
    body: { kind: "REPORT_KIND_EVENTS" },
    headers: { "idempotency-key": "once" },
  });
  expect(made.status).toBe(201);
  const { id } = made.body.data;
  await eventually(async () => (await get(`/reports/${id}`, manager)).body.data.status).toBe(
    "REPORT_STATUS_READY",
  );
  const file = await get(`/reports/${id}/content`, manager);
  expect(file.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(file.headers.get("content-disposition")).toBe(`attachment; filename="report-${id}.csv"`);
  expect(file.headers.get("content-length")).toBe(`${Buffer.byteLength(file.body)}`);
  expect(file.body).toMatch(
    /^occurred_at,id,name,.*\r\n.*,page_viewed,.*,ghana,"\{""page"":""=home""\}"\r\n$/,
  );
  expect((await get(`/reports/${id}`, seller)).status).toBe(404);
  expect((await get(`/reports/${id}/content`, seller)).status).toBe(404);
});
