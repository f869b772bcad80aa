import type { Frame } from "./frames.ts";
import {
  block,
  createFrameReader,
  data,
  flag,
  headers,
  preface,
  settings,
  settingsAck,
  type,
} from "./frames.ts";
import type { Raw } from "./raw.ts";
import { openRaw } from "./raw.ts";

/** An HTTP/2 connection whose every frame is in the attacker's hand. */
export interface RawHttp2 extends Raw {
  /** Frames of a kind that came. */
  count(kind: number): number;
  /** Error code of the GOAWAY that came, if one came. */
  goaway(): number | undefined;
  /** Statuses of streams that were reset by the server. */
  readonly resets: Map<number, number>;
  /** Ids that no stream has had yet. */
  nextStream(): number;
}

export interface Http2Options {
  settings?: Readonly<Record<number, number>>;
  reads?: boolean;
  onFrame?: (frame: Frame, send: (bytes: Buffer) => void) => void;
}

export async function openHttp2(port: number, options: Http2Options = {}): Promise<RawHttp2> {
  const counts = new Map<number, number>();
  const resets = new Map<number, number>();
  let goaway: number | undefined;
  let last = -1;
  const read = createFrameReader();
  const raw: Raw = await openRaw(port, {
    reads: options.reads ?? true,
    onData: (chunk) => {
      for (const frame of read(chunk)) {
        counts.set(frame.type, (counts.get(frame.type) ?? 0) + 1);
        if (frame.type === type.goaway) goaway = frame.payload.readUInt32BE(4);
        if (frame.type === type.rstStream) resets.set(frame.stream, frame.payload.readUInt32BE(0));
        if (frame.type === type.settings && !(frame.flags & flag.ack)) void raw.send(settingsAck);
        options.onFrame?.(frame, (bytes) => void raw.send(bytes));
      }
    },
  });
  await raw.send(Buffer.concat([preface, settings(options.settings)]));
  return {
    ...raw,
    [Symbol.dispose]: () => raw.socket.destroy(),
    count: (kind) => counts.get(kind) ?? 0,
    goaway: () => goaway,
    resets,
    nextStream: () => {
      last += 2;
      return last;
    },
  };
}

export const paths = {
  createTeam: "/user.v1.TeamService/CreateTeam",
  listTeams: "/user.v1.TeamService/ListTeams",
  /** Answers after half a second. */
  deleteTeam: "/user.v1.TeamService/DeleteTeam",
  /** Answers when the caller gives up. */
  getTeam: "/user.v1.TeamService/GetTeam",
} as const;

export const unaryHeaders = (path: string, contentType = "application/proto") => ({
  ":method": "POST",
  ":scheme": "http",
  ":path": path,
  ":authority": "victim",
  "content-type": contentType,
  authorization: "Bearer test",
  ...(contentType.startsWith("application/grpc") && { te: "trailers" }),
});

/** HEADERS of a call. */
export const opening = (
  stream: number,
  path: string,
  contentType?: string,
  flags: number = flag.endHeaders,
) => headers(stream, block(unaryHeaders(path, contentType)), flags);

/** Messages as they stand in a body: protobuf, and the same as gRPC puts it into an envelope. */
const uuid = "019aa0b6-7a5c-7000-8000-000000000000";
export const messages = {
  /** `name: "x"` */
  createTeam: Buffer.from([10, 1, 120]),
  /** `id: "…"` */
  getTeam: Buffer.concat([Buffer.from([10, uuid.length]), Buffer.from(uuid)]),
  /** `page_size: 500`, which is answered with 1 MB. */
  listTeams: Buffer.from([8, 0xf4, 3]),
} as const;

export function envelope(message: Buffer, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** A whole call: HEADERS and DATA. */
export const wholeCall = (stream: number, path: string, body: Buffer, contentType?: string) =>
  Buffer.concat([opening(stream, path, contentType), data(stream, body, flag.endStream)]);
