import { importJWK, jwtVerify } from "jose";
import type { Reply, Request, Route } from "../http.ts";
import type { Browser, Browsers } from "./browsers.ts";
import type { MessageBox } from "./message.ts";

export interface PushOptions {
  box: MessageBox;
  browsers: Browsers;
  /** Of this server; known when it listens. */
  origin: () => string;
}

/** RFC 8030 §7.2: push services take this much and may refuse more. */
const mostBytes = 4096;

/**
 * A push service (RFC 8030) and the browsers behind it: `POST /sandbox/browsers`
 * is what `pushManager.subscribe()` is in a page, and answers as it does.
 */
export function pushRoutes(options: PushOptions): Route {
  const { browsers, origin } = options;
  return (request) => {
    const { method, path } = request;
    if (method === "POST" && path === "/sandbox/browsers") {
      const { id, keys } = browsers.open(keyIn(request.body));
      return { status: 201, body: { id, endpoint: `${origin()}/push/${id}`, expirationTime: null, keys } };
    }
    const [, own, id = ""] = /^\/(sandbox\/browsers|push)\/([0-9a-f]{32})$/.exec(path) ?? [];
    if (own === "push" && method === "POST") return push(options, id, request);
    if (own !== undefined && own !== "push" && method === "DELETE") {
      return browsers.close(id) ? { status: 204, body: undefined } : gone;
    }
    return undefined;
  };
}

const refused = (status: number, why: string): Reply => ({ status, body: { error: why } });
/** A browser that is no more is known by this (RFC 8030 §7.3). */
const gone = refused(410, "no browser has this subscription any more");

async function push({ box, browsers, origin }: PushOptions, id: string, request: Request): Promise<Reply> {
  const browser = browsers.find(id);
  if (!browser) return gone;
  const sender = await senderOf(request.header("authorization"), origin(), browser);
  if (typeof sender !== "string") return sender;
  if (!/^\d+$/.test(request.header("ttl"))) return refused(400, "a TTL is missing (RFC 8030 §5.2)");
  if (request.header("content-encoding") !== "aes128gcm") return refused(415, "it is not in aes128gcm");
  if (request.bytes.length > mostBytes) return refused(413, `it has more than ${mostBytes} bytes`);
  let said: string;
  try {
    said = browser.read(request.bytes);
  } catch (error) {
    // A real push service cannot know; here it is better told.
    return refused(400, `the browser cannot read it: ${error instanceof Error ? error.message : error}`);
  }
  const to = `${origin()}/push/${id}`;
  const kept = box.put({
    channel: "push",
    provider: "web_push",
    from: sender,
    to,
    ...wordsOf(said),
    html: "",
  });
  return { status: 201, body: undefined, headers: { location: `${origin()}/push/messages/${kept.id}` } };
}

const day = 24 * 60 * 60;

/** Whom a message is from, by its signature (RFC 8292), or why it is not taken. */
async function senderOf(authorization: string, audience: string, browser: Browser): Promise<string | Reply> {
  const [, token, key] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
  if (!token || !key) return refused(401, "it is not signed (RFC 8292)");
  const { applicationServerKey } = browser;
  if (applicationServerKey !== "" && applicationServerKey !== key) {
    return refused(403, "the browser is told things by another key");
  }
  try {
    const point = Buffer.from(key, "base64url");
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((it) => it.toString("base64url"));
    const verifier = await importJWK({ kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, "ES256");
    const { payload } = await jwtVerify(token, verifier, { audience, requiredClaims: ["exp"] });
    if ((payload.exp ?? 0) > Date.now() / 1000 + day) return refused(403, "it is signed for more than a day");
    return payload.sub ?? "";
  } catch (error) {
    return refused(403, `its signature is not good: ${error instanceof Error ? error.message : error}`);
  }
}

/** A message of our services is JSON; what is not is shown as it is. */
function wordsOf(said: string): { subject: string; text: string; link?: string } {
  try {
    const { subject, text, link } = JSON.parse(said) as Record<string, unknown>;
    return { subject: `${subject ?? ""}`, text: `${text ?? ""}`, ...(link ? { link: `${link}` } : {}) };
  } catch {
    return { subject: "", text: said };
  }
}

function keyIn(body: string): string {
  try {
    const { applicationServerKey } = JSON.parse(body) as Record<string, unknown>;
    return typeof applicationServerKey === "string" ? applicationServerKey.replace(/=+$/, "") : "";
  } catch {
    return "";
  }
}
