import type { Socket } from "node:net";
import type { ConnectError } from "@connectrpc/connect";
import type { LiveCall } from "../call/live-call.ts";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { AnsweredMethod } from "../rpc/method.ts";
import type { Peer } from "../rpc/record.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { answerUnary } from "../rpc/unary.ts";
import type { Held, Hold } from "../server/held.ts";
import type { Share } from "../server/share.ts";
import { ExpressArrival } from "./arrival.ts";
import type { Failure } from "./failure.ts";
import { writeFailure } from "./failure.ts";
import { fieldsOf, readFields, sizeOfFields, writeFields } from "./fields.ts";
import { FrameError, kinds, wireLimits } from "./frame.ts";
import type { Inbox } from "./inbox.ts";
import { createInbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";

export interface ServerConnectionOptions {
  socket: Socket;
  rpc: Rpc;
  /** Methods by their paths. */
  paths: ReadonlyMap<string, AnsweredMethod>;
  calls: Share;
  held: Held;
  log: Logger;
  now?: () => number;
}

interface Word {
  readonly text: string;
  readonly method: AnsweredMethod | undefined;
}

/** Messages below it are not counted one by one: the number of calls bounds them. */
const smallBytes = 4 * 1024;
/** With so much unsent, nothing more is read: whoever does not take answers gets no new ones. */
const fullBytes = 1024 * 1024;

/** The serving end of one connection. */
export class ServerConnection {
  readonly socket: Socket;
  /** When the last frame came, and since when one is unfinished; for whoever looks for dead peers. */
  lastFrameMs: number;
  unfinishedSinceMs: number | undefined = undefined;
  private readonly options: ServerConnectionOptions;
  private readonly now: () => number;
  private readonly peer: Peer;
  private readonly inbox: Inbox;
  private readonly outbox: Outbox;
  private readonly reader = new Reader();
  private readonly words: Word[] = [];
  private readonly live = new Map<number, LiveCall | undefined>();
  private readonly hold: Hold;
  private away = false;

  constructor(options: ServerConnectionOptions) {
    const { socket, held, now = performance.now.bind(performance) } = options;
    this.options = options;
    this.socket = socket;
    this.now = now;
    this.lastFrameMs = now();
    this.peer = { address: socket.remoteAddress ?? "", protocol: "express" };
    this.hold = held.open(() => this.cut("too many bytes held"));
    this.outbox = new Outbox(socket);
    this.inbox = createInbox(wireLimits.requestBytes + wireLimits.metadataBytes, (data, at, end) =>
      this.onFrame(this.reader.open(data, at, end)),
    );
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => socket.end());
    socket.on("drain", () => socket.resume());
    socket.once("close", () => this.onClose());
  }

  /** Calls that are being answered. */
  get inFlight(): number {
    return this.live.size;
  }

  /** Takes no further calls; closes when those in flight are answered. */
  leave(): void {
    if (this.away) return;
    this.away = true;
    this.outbox.begin(kinds.away, 0);
    this.outbox.finish();
    this.endWhenIdle();
  }

  cut(why: string): void {
    if (this.socket.destroyed) return;
    this.options.log.info({ peer: this.peer.address, why }, "express connection cut");
    this.socket.destroy();
  }

  private onData(chunk: Buffer): void {
    try {
      const before = this.inbox.waiting;
      this.inbox.take(chunk);
      const { waiting } = this.inbox;
      if (waiting !== before) this.hold.take(waiting - before);
      this.unfinishedSinceMs = waiting > 0 ? (this.unfinishedSinceMs ?? this.now()) : undefined;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.cut(error.message);
    }
    if (this.socket.writableLength > fullBytes) this.socket.pause();
  }

  private onFrame(frame: Reader): void {
    const kind = frame.u8();
    this.unfinishedSinceMs = undefined;
    if (kind === kinds.call) this.onCall(frame);
    else if (kind === kinds.word) this.onWord(frame);
    else if (kind === kinds.cancel) this.onCancel(frame.u32());
    else if (kind === kinds.ping) this.pong();
    // Kinds that a later version may have are passed over.
  }

  private onWord(frame: Reader): void {
    const slot = frame.u16();
    if (slot < 1 || slot > wireLimits.words) throw new FrameError("a word beyond the slots");
    const text = frame.text();
    if (text.length > wireLimits.wordBytes) throw new FrameError("a word is too long");
    this.hold.take(text.length - (this.words[slot]?.text.length ?? 0));
    this.words[slot] = { text, method: this.options.paths.get(text) };
  }

  private onCall(frame: Reader): void {
    this.lastFrameMs = this.now();
    const id = frame.u32();
    const method = this.words[frame.u16()];
    const arrival = new ExpressArrival({
      authorization: this.words[frame.u16()]?.text ?? "",
      statement: this.words[frame.u16()]?.text ?? "",
      timeoutMs: frame.u32(),
      requestId: frame.text8(),
      correlationId: frame.text8(),
      traceparent: frame.text8(),
      fields: readFields(frame),
    });
    const message = frame.rest();
    if (this.live.has(id)) throw new FrameError("an id is used twice at once");
    if (!method?.method) {
      this.refuse(id, refusals.unknown(method?.text ?? ""));
      return;
    }
    if (this.away) {
      this.refuse(id, refusals.stopping());
      return;
    }
    const giveBack = this.options.calls.take(this.peer.address);
    if (!giveBack) {
      this.options.log.warn({ peer: this.peer.address }, "call refused: too many at once");
      this.refuse(id, refusals.tooMany());
      return;
    }
    this.answer(id, method.method, arrival, message, giveBack);
  }

  private onCancel(id: number): void {
    this.live.get(id)?.end(hungUp());
  }

  private refuse(id: number, error: ConnectError): void {
    writeFailure(this.outbox, id, { error, processed: false });
  }

  private answer(
    id: number,
    method: AnsweredMethod,
    arrival: ExpressArrival,
    message: Buffer,
    giveBack: () => void,
  ): void {
    const hold = message.length > smallBytes ? this.holdOf(id, message.length) : undefined;
    this.live.set(id, undefined);
    answerUnary(this.options.rpc, {
      method,
      arrival,
      message,
      peer: this.peer,
      onCall: (call) => {
        if (this.socket.destroyed) call.end(hungUp());
        else this.live.set(id, call);
      },
      onOutcome: (outcome) => {
        this.live.delete(id);
        hold?.close();
        giveBack();
        if (outcome.error) writeFailure(this.outbox, id, withMetadata(outcome, arrival));
        else this.writeAnswer(id, arrival, outcome.bytes);
        if (this.away) this.endWhenIdle();
      },
    });
  }

  private holdOf(id: number, bytes: number): Hold {
    const hold = this.options.held.open(() => this.live.get(id)?.end(heldTooMuch()));
    hold.take(bytes);
    return hold;
  }

  private writeAnswer(id: number, { answerHeader, answerTrailer }: ExpressArrival, bytes: Uint8Array): void {
    const header = fieldsOf(answerHeader);
    const trailer = fieldsOf(answerTrailer);
    const size = sizeOfFields(header) + sizeOfFields(trailer);
    if (size > wireLimits.metadataBytes) {
      this.refuse(
        id,
        fail.internal("too_much_metadata", "the handler set more metadata than an answer may have"),
      );
      return;
    }
    this.outbox.begin(kinds.answer, 4 + size + bytes.length);
    this.outbox.u32(id);
    writeFields(this.outbox, header);
    writeFields(this.outbox, trailer);
    this.outbox.bytes(bytes);
    this.outbox.finish();
  }

  private pong(): void {
    this.outbox.begin(kinds.pong, 0);
    this.outbox.finish();
  }

  private endWhenIdle(): void {
    if (this.live.size > 0 || this.socket.destroyed) return;
    this.outbox.flush();
    this.socket.end();
  }

  private onClose(): void {
    this.hold.close();
    for (const call of this.live.values()) call?.end(hungUp());
  }
}

const hungUp = () => fail.canceled("canceled", "the caller hung up");
const heldTooMuch = () =>
  fail.exhausted("too_many_bytes", "this process holds too many messages now", {
    remedy: "call again later",
  });

/** What a handler set before it failed goes with the error, as in the other protocols. */
function withMetadata(failure: Failure, { answerHeader, answerTrailer }: ExpressArrival): Failure {
  for (const headers of [answerHeader, answerTrailer]) {
    if (headers) for (const [name, value] of headers) failure.error.metadata.append(name, value);
  }
  return failure;
}

const refusals = {
  unknown: (path: string) =>
    fail.unimplemented("unknown_method", `nothing is served at ${path.slice(0, 200)}`),
  stopping: () => fail.unavailable("stopping", "this instance is stopping", { remedy: "call again" }),
  tooMany: () =>
    fail.exhausted("too_many_calls", "this address has too many calls in flight here", {
      remedy: "call again",
    }),
};
