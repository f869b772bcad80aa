import { MsgHdrsImpl } from "@nats-io/transport-node";

const strict = MsgHdrsImpl.decode;
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
const firstLine = "NATS/1.0";

/**
 * The client throws, wherever a header is first looked at, when a message has one
 * whose name or value it would not write itself; the server takes such messages
 * from anybody. One of them would end a consumer, a watch or the process, again
 * and again. Lines that cannot be read are left out: a message without what it
 * needs is refused like any other.
 */
MsgHdrsImpl.decode = (bytes) => {
  try {
    return strict(bytes);
  } catch {
    const [first = firstLine, ...lines] = decoder.decode(bytes).split("\r\n");
    return strict(encoder.encode([first, ...lines.filter(isReadable)].join("\r\n")));
  }
};

function isReadable(line: string): boolean {
  try {
    strict(encoder.encode(`${firstLine}\r\n${line}`));
    return true;
  } catch {
    return false;
  }
}
