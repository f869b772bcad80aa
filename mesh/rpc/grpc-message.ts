/**
 * Writes `grpc-message` as the gRPC protocol has it: of the visible characters
 * only the percent sign is escaped. The library escapes many more, which
 * clients such as grpc-js then show: `text%3A must be…`.
 */
export function plainGrpcMessage(trailer: Headers): void {
  const message = trailer.get("grpc-message");
  if (message) trailer.set("grpc-message", encodeGrpcMessage(decodeURIComponent(message)));
}

export function encodeGrpcMessage(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/g, (run) =>
    [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
