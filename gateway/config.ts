import { BlockList, isIP } from "node:net";
import { BadValue, duration, field, flag, integer } from "#mesh";

/** Hosts or networks, as `10.0.0.0/8,::1`; none when empty. */
const networks = field((text) => {
  const list = new BlockList();
  for (const part of listed(text)) {
    const [address = "", bits] = part.split("/", 2);
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    const most = family === "ipv6" ? 128 : 32;
    if (!isIP(address) || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      throw new BadValue("must be addresses or networks such as 10.0.0.0/8, with commas between");
    }
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
});

/** Origins of web pages: scheme, host and port, as browsers send them. */
const origins = field((text) => {
  const all = listed(text);
  for (const origin of all) {
    if (origin !== "*" && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
      throw new BadValue("must be origins such as https://shop.example.com, with commas between, or *");
    }
  }
  return all;
});

export const gatewayFields = {
  GATEWAY_CORS_ORIGINS: origins(
    "Web pages that may use the API, by their origins; * for any. Empty: http://localhost:3000 and http://localhost:5173 in development, none in production.",
    { fallback: "" },
  ),
  GATEWAY_TRUSTED_PROXIES: networks(
    "Proxies before the gateway, by address or network, whose X-Forwarded-For is believed.",
    { fallback: "" },
  ),
  GATEWAY_OPERATORS: networks(
    "From where /metrics and /health/detailed are answered without the permission gateway:read, when no proxy is in between.",
    { fallback: "127.0.0.0/8,::1" },
  ),
  GATEWAY_BODY_BYTES: integer(1024, 4 * 1024 * 1024)(
    "Largest JSON body; files that are streamed are not bound by it.",
    { fallback: "1048576" },
  ),
  GATEWAY_UPLOAD_BYTES: integer(1024, 2 ** 40)("Largest upload that is streamed to a service.", {
    fallback: "1073741824",
  }),
  GATEWAY_RATE_LIMITS: flag("Whether callers are held to rate limits; for load tests.", { fallback: "true" }),
  GATEWAY_CACHE_BYTES: integer(0, 2 ** 34)(
    "Memory for answers that contracts allow to be kept; 0 for none.",
    {
      fallback: "67108864",
    },
  ),
  GATEWAY_IDEMPOTENCY_TTL: duration("How long the answer to an Idempotency-Key is kept.", {
    fallback: "24h",
  }),
};

const listed = (text: string): string[] =>
  text
    .split(",")
    .map((it) => it.trim())
    .filter((it) => it !== "");
