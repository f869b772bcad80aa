import type { DescMessage } from "@bufbuild/protobuf";
import { fromJsonString, toBinary } from "@bufbuild/protobuf";
import { libraryMessage, libraryRegistry, olderMessage } from "../../../gateway/testing/library-contract.ts";
import { echoed } from "./fuzz-contract.ts";
import type { Random } from "./fuzz-random.ts";
import { mutated } from "./fuzz-random.ts";
import { jsonFor, queryFor, spiteful } from "./fuzz-values.ts";

/** A request whose end is clear, whatever is in it: so many may go behind each other on one connection. */
export interface HttpRequest {
  readonly verb: string;
  readonly bytes: Buffer;
}

const pieces = spiteful.map((it) => Buffer.from(it));
const book = libraryMessage("BookRequest");
const messageOf = (name: string): DescMessage =>
  name === "Older" ? olderMessage(name) : libraryMessage(name);

const verbs = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"];
const fixed = [
  "/",
  "/health",
  "/health/live",
  "/metrics",
  "/openapi.json",
  "/api/docs",
  "/gateway/services",
  "/gateway/status",
  "/.well-known/jwks.json",
  "/api/v1",
  "/api",
  "/api/v9/x",
  "/fuzz.v1.FuzzService/Nothing",
  "*",
  "/grpc.health.v1.Health/Check",
];
const segments = [
  "a",
  "7",
  "-1",
  "shelves",
  "1",
  "rows",
  "all",
  "..",
  ".",
  "",
  "%2F",
  "%2e%2e",
  "%zz",
  "%00",
  "%F0%9F%98%80",
  "a:close",
  ":close",
  ":",
  "a:b:c",
  "~",
  "*",
  "**",
  "{shelf}",
  "9223372036854775808",
];

/** Paths of all forms, most of them of a route. */
function pathFor(random: Random): { verb: string; path: string; message: DescMessage; hasBody: boolean } {
  const part = () => (random.oneIn(3) ? random.of(segments) : String(random.below(1000)));
  const get = (path: string, message = book) => ({ verb: "GET", path, message, hasBody: false });
  const post = (path: string, message = book, verb = "POST") => ({ verb, path, message, hasBody: true });
  switch (random.below(12)) {
    case 0:
      return get(random.of(fixed));
    case 1:
      return get(`/api/v1/shelves/${part()}/pages/${part()}/${part()}`);
    case 2:
      return get(`/api/v1/shelves/${part()}/rows/${part()}/all`);
    case 3:
      return get(`/api/v1/rest/${Array.from({ length: random.below(6) }, part).join("/")}`);
    case 4:
      return post(`/api/v1/shelves/${part()}:close`, libraryMessage("Book"));
    case 5:
      return post(`/api/v1/books/${part()}`, libraryMessage("Book"), "PATCH");
    case 6:
      return get(`/api/v1/download/${part()}`);
    case 7:
      return get(`/api/v1/flow/${part()}`);
    case 8: {
      const name = random.of(["Scalars", "Optionals", "Choice", "BookRequest"]);
      return get(
        `/api/v1/get/${name}`,
        name === "Scalars" ? libraryMessage("Scalars") : libraryMessage(name),
      );
    }
    case 9:
      return post(random.of(["/api/v1/upload", `/api/v1/upload/${part()}`, "/api/v1/lines"]));
    default: {
      const name = random.of(echoed);
      return post(`/api/v1/echo/${name}`, messageOf(name));
    }
  }
}

const headerChoices: readonly (readonly [string, readonly string[]])[] = [
  [
    "Accept",
    [
      "*/*",
      "text/event-stream",
      "application/x-ndjson",
      "application/json;q=0",
      "a/b;q=x",
      ",,,",
      "text/*;q=0.1, */*;q=0",
    ],
  ],
  ["Accept-Encoding", ["gzip", "br", "gzip;q=0", "identity;q=0, *;q=0", "br;q=1.5", ";;;", "*"]],
  [
    "Range",
    [
      "bytes=0-4",
      "bytes=-5",
      "bytes=9-1",
      "bytes=0-1,3-4",
      "bytes=99-",
      "lines=1-2",
      "bytes=-",
      "bytes=999999999999999-",
    ],
  ],
  ["If-None-Match", ["*", 'W/"x"', '"a", "b"', ",", '"']],
  ["If-Range", ['"x"', 'W/"x"', "Sat, 01 Jan 2024 00:00:00 GMT", "x"]],
  ["If-Modified-Since", ["Sat, 01 Jan 2024 00:00:00 GMT", "x"]],
  ["Idempotency-Key", ["a", "", "x".repeat(300), "\u00e9", '"q"']],
  ["Last-Event-ID", ["1", "x", "\u00ff", "a".repeat(500)]],
  ["Authorization", ["Bearer x", "Bearer a.b.c", "Basic x", "", "Bearer", `Bearer ${"a".repeat(5000)}`]],
  ["API-Version", ["v1", "v2", "", "1", "v1, v1", "\u00e9"]],
  ["Origin", ["null", "http://localhost:3000", "x", ""]],
  ["Access-Control-Request-Method", ["POST", "x"]],
  ["X-Request-ID", ["a", "\u00e9", "a b", "x".repeat(200)]],
  ["X-Forwarded-For", ["1.2.3.4", "x", ",,,,", "::1", "1.2.3.4,".repeat(100)]],
  ["X-Forwarded-Proto", ["https", "x"]],
  ["Traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "x", "ff-0-0-0"]],
  ["Tracestate", ["a=b", "\u00ff", ",,,"]],
  ["Content-Encoding", ["gzip", "br", "identity", "x", "gzip, gzip", ""]],
  ["Connect-Timeout-Ms", ["1000", "-1", "x", "99999999999"]],
  ["Connect-Protocol-Version", ["1", "2", ""]],
  ["Grpc-Timeout", ["1S", "1x", "99999999H", ""]],
  ["Grpc-Encoding", ["gzip", "x", "identity"]],
  ["Weft-User", ["x", "a.b.c"]],
  ["Weft-Fault", ["unavailable@100%"]],
  ["Cookie", ["a=b"]],
  ["Forwarded", ["for=1.2.3.4"]],
];

const types = [
  "application/json",
  "application/json; charset=utf-8",
  "application/json; charset=latin1",
  "text/plain",
  "",
  "application/x-ndjson",
  "multipart/form-data; boundary=b",
  "multipart/form-data",
  "application/octet-stream",
  "APPLICATION/JSON",
  "application/json;",
  "application/x-www-form-urlencoded",
  "a/b/c",
  ";",
];

function headersFor(random: Random): string {
  let text = "";
  for (let count = random.below(4); count > 0; count--) {
    const [name, values] = random.of(headerChoices);
    text += `${name}: ${random.of(values)}\r\n`;
  }
  if (random.oneIn(20))
    text += `X-${random.below(100)}: ${random
      .bytes(random.below(50))
      .toString("latin1")
      .replace(/[^ -~\u0080-\u00ff]/g, "")}\r\n`;
  return text;
}

function write(
  random: Random,
  verb: string,
  target: string,
  head: string,
  body: Buffer | undefined,
): HttpRequest {
  // What is no byte of a path ends the connection, with all that is behind it on its way.
  const path = random.oneIn(50)
    ? target
    : target.replace(/[^!-~]/g, (it) => `%${(it.charCodeAt(0) & 255).toString(16).padStart(2, "0")}`);
  const length = body ? `Content-Length: ${body.length}\r\n` : "";
  const start = Buffer.from(
    `${verb} ${path.replace(/[^!-~\u0080-\u00ff]/g, "+") || "/"} HTTP/1.1\r\nHost: fuzz\r\n${head}${length}\r\n`,
    "latin1",
  );
  return { verb, bytes: body ? Buffer.concat([start, body]) : start };
}

const sometimesMutated = (random: Random, bytes: Buffer) =>
  random.oneIn(3) ? mutated(bytes, random, pieces) : bytes;

const form = (random: Random) =>
  Buffer.from(
    `--b\r\nContent-Disposition: form-data; name="${random.of(["shelf", "x", "__proto__", "file"])}"\r\n\r\nv\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="${random.of(["a.txt", "../a", ""])}"\r\nContent-Type: text/plain\r\n\r\n${"x".repeat(random.below(2000))}\r\n--b--\r\n`,
  );

/** By REST. */
export function restRequest(random: Random): HttpRequest {
  const { verb: usual, path: plain, message, hasBody } = pathFor(random);
  const verb = random.oneIn(12) ? random.of(verbs) : usual;
  let path = plain;
  if (random.oneIn(15)) path = mutated(Buffer.from(path), random, pieces).toString("latin1");
  const query = random.oneIn(3) ? `?${queryFor(message, random)}` : "";
  if (!hasBody && !random.oneIn(20)) return write(random, verb, path + query, headersFor(random), undefined);
  const isUpload = path.includes("upload");
  const contentType = isUpload ? random.of(types) : random.oneIn(15) ? random.of(types) : "application/json";
  const text = isUpload && random.oneIn(2) ? form(random) : Buffer.from(jsonFor(message, random));
  const lines =
    path.endsWith("lines") && random.oneIn(2) ? Buffer.concat([text, Buffer.from("\n"), text]) : text;
  return write(
    random,
    verb,
    path + query,
    `${headersFor(random)}Content-Type: ${contentType}\r\n`,
    sometimesMutated(random, lines),
  );
}

const rpcTypes = [
  "application/json",
  "application/proto",
  "application/connect+json",
  "application/connect+proto",
  "application/grpc-web",
  "application/grpc-web+proto",
  "application/grpc-web+json",
  "application/grpc-web-text",
  "application/grpc",
  "application/grpc+json",
];
const rpcMethods = [
  ...echoed.map((it) => [`Echo${it}`, it] as const),
  ["GetScalars", "Scalars"],
  ["Flow", "BookRequest"],
  ["Lines", "BookRequest"],
  ["Nothing", "Book"],
] as const;

/** A message as it goes in a body: often not what its content type says. */
export function messageFor(desc: DescMessage, random: Random, isJson: boolean): Buffer {
  const json = jsonFor(desc, random);
  if (isJson) return sometimesMutated(random, Buffer.from(json));
  try {
    const message = fromJsonString(desc, json, { registry: libraryRegistry });
    return sometimesMutated(random, Buffer.from(toBinary(desc, message)));
  } catch {
    return random.bytes(random.below(30));
  }
}

/** With the length before it, right or wrong (gRPC over HTTP/2, Connect streams). */
export function envelope(message: Buffer, random: Random): Buffer {
  const head = Buffer.alloc(5);
  head[0] = random.oneIn(8) ? random.below(256) : 0;
  head.writeUInt32BE(random.oneIn(15) ? random.below(0xffffffff) : message.length, 1);
  return Buffer.concat([head, message]);
}

/**
 * Without what is written as two halves in UTF-16: an error that quotes one of
 * them is more than the protocol library can write into `grpc-message`.
 */
export function withoutHalves(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes
      .toString("latin1")
      .replace(/[\xf0-\xf4\xed]/g, "x")
      .replaceAll("\\ud", "\\u0"),
    "latin1",
  );
}

/** By RPC, in each protocol that HTTP/1.1 has. */
export function rpcRequest(random: Random): HttpRequest {
  const [method, name] = random.of(rpcMethods);
  const message = messageOf(name);
  const target = `/fuzz.v1.FuzzService/${method}`;
  if (random.oneIn(6)) {
    const json = encodeURIComponent(messageFor(message, random, true).toString("utf8"));
    const query = random.of([
      `connect=v1&encoding=json&message=${json}`,
      `encoding=json&message=${json}`,
      "connect=v1&encoding=proto&base64=1&message=CAE",
      "connect=v1&encoding=proto&base64=1&message=!!",
      "connect=v1&message=%zz",
      "connect=v1&encoding=x&message=",
      "connect=v1&encoding=json&compression=gzip&message=a",
    ]);
    return write(random, "GET", `${target}?${query}`, headersFor(random), undefined);
  }
  const contentType = random.of(rpcTypes);
  const isJson = contentType.endsWith("json");
  const one = () => {
    const bytes = messageFor(message, random, isJson);
    return isJson && contentType.includes("grpc") ? withoutHalves(bytes) : bytes;
  };
  let body = /grpc|connect/.test(contentType)
    ? Buffer.concat(Array.from({ length: random.below(3) }, () => envelope(one(), random)))
    : one();
  if (contentType.endsWith("text")) body = Buffer.from(body.toString("base64"));
  return write(
    random,
    random.oneIn(30) ? random.of(verbs) : "POST",
    target,
    `${headersFor(random)}Content-Type: ${contentType}\r\n`,
    body,
  );
}
