import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { fail } from "../errors.ts";
import type { CallRecord } from "./record.ts";

/** How the protocol library begins what it says of a message that it cannot decode. */
const telltale = /^parse(%20| )binary/;
const message = "the message is not one of its type";
const fault = () => fail.invalid("unreadable_message", message);

/**
 * The library answers a unary request that it cannot decode as a mistake of
 * ours, before any interceptor runs. What it says is put right on the wire, in
 * the form of each protocol. Streams are decoded where interceptors see it.
 */
export function blameTheSender(
  response: UniversalServerResponse,
  record: CallRecord,
): UniversalServerResponse | Promise<UniversalServerResponse> {
  const { body, header } = response;
  // Turned away at the gate, or read well: nothing to put right.
  if (!body || record.error !== undefined || record.began) return response;
  const type = header?.get("content-type") ?? "";
  if (response.status === 500 && type.startsWith("application/json"))
    return connectError(response, body, record);
  if (type.startsWith("application/grpc-web")) return { ...response, body: webTrailers(body, record) };
  return response;
}

/** In gRPC the answer stands in the trailers, once the body has ended. */
export function blameInTrailers({ trailer }: UniversalServerResponse, record: CallRecord): void {
  const { began, error } = record;
  if (began || error !== undefined || trailer?.get("grpc-status") !== "13") return;
  if (!telltale.test(trailer.get("grpc-message") ?? "")) return;
  trailer.set("grpc-status", "3");
  trailer.set("grpc-message", encodeURIComponent(message));
  record.error = fault();
}

/** Nothing of the request but its decoding lies between the gate and a handler. */
async function connectError(
  response: UniversalServerResponse,
  body: AsyncIterable<Uint8Array>,
  record: CallRecord,
): Promise<UniversalServerResponse> {
  for await (const _chunk of body);
  const text = JSON.stringify({ code: "invalid_argument", message });
  response.header?.delete("content-length");
  record.error = fault();
  return { ...response, status: 400, body: once(Buffer.from(text)) };
}

async function* once(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}

/** gRPC-Web sends trailers as a last frame of the body, marked by the first bit of its flags. */
async function* webTrailers(body: AsyncIterable<Uint8Array>, record: CallRecord): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    const isTrailer = !record.began && ((chunk[0] ?? 0) & 0x80) !== 0;
    yield isTrailer ? rewritten(chunk, record) : chunk;
  }
}

const frameHead = 5;

function rewritten(frame: Uint8Array, record: CallRecord): Uint8Array {
  const trailers = new Map(
    Buffer.from(frame.subarray(frameHead))
      .toString()
      .split("\r\n")
      .filter(Boolean)
      .map((line) => {
        const [name = "", value = ""] = line.split(/: ?(.*)/s);
        return [name.toLowerCase(), value] as const;
      }),
  );
  if (trailers.get("grpc-status") !== "13" || !telltale.test(trailers.get("grpc-message") ?? ""))
    return frame;
  record.error = fault();
  trailers.set("grpc-status", "3").set("grpc-message", encodeURIComponent(message));
  const text = Buffer.from([...trailers].map(([name, value]) => `${name}: ${value}\r\n`).join(""));
  const head = Buffer.alloc(frameHead);
  head.writeUInt8(frame[0] ?? 0x80);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, text]);
}
