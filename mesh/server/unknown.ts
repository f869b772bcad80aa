import type { NodeServerRequest, NodeServerResponse } from "./node.ts";

/** Answers a path that nobody serves, in the protocol of the question. */
export function answerUnknown(request: NodeServerRequest, response: NodeServerResponse): void {
  const contentType = request.headers["content-type"] ?? "";
  const path = (request.url ?? "").split("?", 1)[0]?.slice(0, 200) ?? "";
  const message = `nothing is served at ${path}`;
  if (contentType.startsWith("application/grpc")) {
    // Trailers-only: all of the answer stands in its headers (gRPC over HTTP/2).
    response.writeHead(200, {
      "content-type": contentType.startsWith("application/grpc-web")
        ? "application/grpc-web"
        : "application/grpc",
      "grpc-status": "12",
      "grpc-message": encodeURIComponent(message),
    });
    response.end("");
    return;
  }
  const body = JSON.stringify({ code: "unimplemented", message });
  response.writeHead(404, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  response.end(body);
}
