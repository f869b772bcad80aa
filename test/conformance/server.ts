/**
 * The server that the conformance suite tests. Started by its runner, which
 * says on standard input what it wants and is told on standard output where
 * the server listens. Usage: server.ts <compiled contracts> [general|express]; with
 * a lane, single calls are answered by way of it.
 */
import { create } from "@bufbuild/protobuf";
import { readMessages, writeMessage } from "./frames.ts";
import { conformanceHandlers } from "./handlers.ts";
import { serve } from "./serving.ts";
import { loadSuite } from "./suite.ts";
import { handlersThrough, throughOf } from "./through.ts";

const [, , image = "", lane] = process.argv;
const suite = loadSuite(image);
const through = throughOf(lane);

process.once("SIGTERM", () => process.exit());
for await (const { messageReceiveLimit } of readMessages(process.stdin, suite.serverRequest)) {
  const { port } = await serve({
    contract: suite.service,
    handlers: through ? await handlersThrough(suite, through) : conformanceHandlers(suite),
    messageBytes: messageReceiveLimit || undefined,
  });
  const answer = create(suite.serverResponse, { host: "127.0.0.1", port });
  writeMessage(process.stdout, suite.serverResponse, answer);
}
