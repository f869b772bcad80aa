import { createECDH, randomBytes } from "node:crypto";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { RequestDetails } from "web-push";
import webPush from "web-push";
import { decryptPush } from "../../sandbox/messages/push-encryption.ts";
import type { MessagesSandbox } from "../../sandbox/messages/start.ts";
import { startMessagesSandbox } from "../../sandbox/messages/start.ts";

interface Subscription {
  readonly id: string;
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

let sandbox: MessagesSandbox;
beforeAll(async () => {
  sandbox = await startMessagesSandbox();
});
afterEach(() => sandbox.reset());
afterAll(() => sandbox.close());

const mine = webPush.generateVAPIDKeys();

async function subscribe(applicationServerKey = ""): Promise<Subscription> {
  const response = await fetch(`${sandbox.url}/sandbox/browsers`, {
    method: "POST",
    body: JSON.stringify({ applicationServerKey }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as Subscription;
}

const letter = (
  subscription: Subscription,
  said: string,
  { keys = mine, more = {} }: { keys?: typeof mine; more?: object } = {},
): RequestDetails =>
  webPush.generateRequestDetails(subscription, said, {
    vapidDetails: { ...keys, subject: "mailto:shop@example.com" },
    TTL: 60,
    contentEncoding: "aes128gcm",
    ...more,
  });

async function post(
  { endpoint, headers, body }: RequestDetails,
  over: Record<string, string | undefined> = {},
) {
  const given = Object.entries({ ...headers, ...over }).filter(([, value]) => value !== undefined);
  const response = await fetch(endpoint, {
    method: "POST",
    headers: given.map(([name, value]): [string, string] => [name, String(value)]),
    body: new Uint8Array(body ?? Buffer.alloc(0)),
  });
  return { status: response.status, text: await response.text() };
}

test("the message that RFC 8291 has as its example is read", () => {
  const browser = createECDH("prime256v1");
  browser.setPrivateKey("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "base64url");
  const message =
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
  const auth = Buffer.from("BTBZMqHH6r4Tts7J_aSIgg", "base64url");
  const read = decryptPush(Buffer.from(message, "base64url"), browser, auth).toString();
  expect(read).toBe("When I grow up, I want to be a watermelon");
});

test("what is no message for a browser is refused, and never more than that", () => {
  const browser = createECDH("prime256v1");
  browser.generateKeys();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decryptPush(Buffer.from(bytes), browser, randomBytes(16))).toThrow();
    }),
  );
});

describe("a message to a browser", () => {
  test("is shown as its sender meant it", async () => {
    const subscription = await subscribe(mine.publicKey);
    const said = { id: "1", subject: "Paid 🧺", text: "شكرا", link: "/orders/1" };
    const { status } = await post(letter(subscription, JSON.stringify(said)));
    expect(status).toBe(201);
    expect(sandbox.messages(subscription.endpoint)).toMatchObject([
      {
        channel: "push",
        provider: "web_push",
        from: "mailto:shop@example.com",
        subject: "Paid 🧺",
        text: "شكرا",
        link: "/orders/1",
      },
    ]);
    const other = await subscribe();
    await post(letter(other, "just words"));
    expect(sandbox.messages(other.endpoint)).toMatchObject([{ subject: "", text: "just words" }]);
  });

  test("is not taken from whom the browser did not choose", async () => {
    const subscription = await subscribe(mine.publicKey);
    const keys = webPush.generateVAPIDKeys();
    expect((await post(letter(subscription, "x", { keys }))).status).toBe(403);
    expect((await post(letter(subscription, "x"), { Authorization: undefined })).status).toBe(401);
    const elsewhere = letter({ ...subscription, endpoint: "https://push.example.com/1" }, "x");
    expect((await post({ ...elsewhere, endpoint: subscription.endpoint })).status, "for another").toBe(403);
    const [, stolen = ""] =
      /t=([\w.-]+)/.exec(String(letter(subscription, "x", { keys }).headers.Authorization)) ?? [];
    const forged = { Authorization: `vapid t=${stolen}, k=${mine.publicKey}` };
    expect((await post(letter(subscription, "x"), forged)).status).toBe(403);
    expect(sandbox.messages()).toEqual([]);
  });

  test("is refused without a TTL, in another encoding, too large, or for other keys", async () => {
    const [subscription, other] = [await subscribe(), await subscribe()];
    expect((await post(letter(subscription, "x"), { TTL: undefined })).status).toBe(400);
    expect((await post(letter(subscription, "x"), { "Content-Encoding": "aesgcm" })).status).toBe(415);
    expect((await post(letter(subscription, "x".repeat(4200)))).status).toBe(413);
    const { status, text } = await post(letter({ ...subscription, keys: other.keys }, "x"));
    expect([status, text]).toEqual([400, expect.stringContaining("cannot read it")]);
    expect(sandbox.messages()).toEqual([]);
  });

  test("that has gone away is told of", async () => {
    const { id, ...subscription } = await subscribe();
    const away = () => fetch(`${sandbox.url}/sandbox/browsers/${id}`, { method: "DELETE" });
    expect((await away()).status).toBe(204);
    expect((await away()).status).toBe(410);
    expect((await post(letter({ id, ...subscription }, "x"))).status).toBe(410);
  });
});
