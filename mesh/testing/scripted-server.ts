import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { responseOf } from "../client/answer.ts";
import { createExpressLane } from "../client/express-lane.ts";
import type { LaneAnswer, LaneRequest, UnaryLane } from "../client/lane.ts";
import { reasonOf } from "../errors.ts";
import { kinds, preface } from "../express/frame.ts";
import type { Frame } from "./express.ts";
import { answer, createFrameReader } from "./express.ts";
import { NoteSchema, ProbeService } from "./probe.ts";

export const toClose: (() => unknown)[] = [];

/** For `afterEach`: ends all that was opened here. */
export async function closeAll(): Promise<void> {
  for (const close of toClose.splice(0).reverse()) await close();
}

export async function listen(
  server: Pick<Server, "listen" | "address" | "close"> & { on: Server["on"] },
): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  toClose.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** One connection to a server that does as the test says. */
export interface Peer {
  readonly socket: Socket;
  /** What the client sent, behind its preface. */
  readonly frames: Frame[];
  send(...frames: readonly Uint8Array[]): void;
}

export interface Scripted {
  readonly port: number;
  readonly peers: Peer[];
}

/** A server of the express lane in the hand of the test. */
export async function scripted(
  onFrame: (frame: Frame, peer: Peer) => void = () => {},
  onConnection: (peer: Peer) => void = ({ socket }) => void socket.write(preface),
): Promise<Scripted> {
  const peers: Peer[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const peer: Peer = { socket, frames: [], send: (...frames) => void socket.write(Buffer.concat(frames)) };
    let skip = preface.length;
    const read = createFrameReader((frame) => {
      peer.frames.push(frame);
      onFrame(frame, peer);
    });
    socket.on("data", (chunk: Buffer) => {
      const greeting = Math.min(skip, chunk.length);
      skip -= greeting;
      read(chunk.subarray(greeting));
    });
    peers.push(peer);
    onConnection(peer);
  });
  return { port: await listen(server), peers };
}

export const idOf = ({ body }: Frame) => body.readUInt32BE(0);
export const isCall = ({ kind }: Frame) => kind === kinds.call;
export const note = (text: string) => toBinary(NoteSchema, create(NoteSchema, { text }));
/** Answers each call with a note. */
export const answering = (frame: Frame, peer: Peer) => {
  if (isCall(frame)) peer.send(answer(idOf(frame), note("here")));
};

/** The general lane as a note of what it was given. */
export function notingLane(): { lane: UnaryLane; taken: LaneRequest[] } {
  const taken: LaneRequest[] = [];
  const lane: UnaryLane = {
    start: (request, settle) => {
      taken.push(request);
      settle.answered({ header: undefined, trailer: undefined, message: note("general") });
      return () => {};
    },
    close: () => {},
  };
  return { lane, taken };
}

export function open(port: number, { general = notingLane().lane, connectMs = 2000 } = {}): UnaryLane {
  const lane = createExpressLane({ host: "127.0.0.1", port, general, connectMs });
  toClose.push(() => lane.close());
  return lane;
}

export const requestOf = (more: Partial<LaneRequest> = {}): LaneRequest => {
  const input = create(NoteSchema, { text: "hi" });
  return {
    method: ProbeService.method.echo as never,
    input,
    path: "/probe.v1.ProbeService/Echo",
    timeoutMs: 5000,
    authorization: "",
    statement: "",
    requestId: "r1",
    correlationId: "c1",
    traceparent: "",
    fields: undefined,
    message: toBinary(NoteSchema, input),
    ...more,
  };
};

export interface Failed {
  readonly error: ConnectError;
  readonly processed: boolean;
}
export interface Made {
  readonly ended: Promise<LaneAnswer | Failed>;
  /** How often it was told of its end. */
  ends(): number;
  cancel(): void;
}

export function make(lane: UnaryLane, more: Partial<LaneRequest> = {}): Made {
  let ends = 0;
  let cancel = () => {};
  const ended = new Promise<LaneAnswer | Failed>((resolve) => {
    const end = (it: LaneAnswer | Failed) => {
      ends++;
      resolve(it);
    };
    cancel = lane.start(requestOf(more), { answered: end, failed: end });
  });
  return { ended, ends: () => ends, cancel: () => cancel() };
}

export async function failed(made: Made): Promise<Failed & { reason: string }> {
  const it = await made.ended;
  if (!("error" in it)) throw new Error("it was answered");
  return { error: it.error, processed: it.processed, reason: reasonOf(it.error) };
}
export async function textOf(made: Made): Promise<string> {
  const it = await made.ended;
  if ("error" in it) throw it.error;
  return (responseOf(ProbeService.method.echo as never, it, "").message as unknown as { text: string }).text;
}
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}
