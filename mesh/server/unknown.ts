import { encodeGrpcMessage } from "../rpc/grpc-message.ts";
import type { NodeServerRequest, NodeServerResponse } from "./node.ts";

/** Answers a path that nobody serves, in the protocol of the question. */
export function answerUnknown(request: NodeServerRequest, response: NodeServerResponse): void {
  const contentType = request.headers["content-type"] ?? "";
  const path = (request.url ?? "").split("?", 1)[0]?.slice(0, 200) ?? "";
  const message = `nothing is served at ${path}`;
  if (contentType.startsWith("application/grpc")) {
    const headers = {
      "content-type": contentType.startsWith("application/grpc-web")
        ? "application/grpc-web"
        : "application/grpc",
      "grpc-status": "12",
      "grpc-message": encodeGrpcMessage(message),
    };
    if ("stream" in request) {
      // Trailers-only is one HEADERS frame that also ends the stream; else grpc-js looks for no status in it.
      request.stream.respond({ ":status": 200, ...headers }, { endStream: true });
      return;
    }
    response.writeHead(200, headers);
    response.end("");
    return;
  }
  const body = JSON.stringify({ code: "unimplemented", message });
  response.writeHead(404, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
