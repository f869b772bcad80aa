import type { Socket } from "node:net";
import type { ConnectError } from "@connectrpc/connect";
import type { Held, Hold } from "../bounds/held.ts";
import type { ServerLimits } from "../bounds/limits.ts";
import type { Rate } from "../bounds/rate.ts";
import { createRate } from "../bounds/rate.ts";
import type { Share } from "../bounds/share.ts";
import { LiveCall } from "../call/live-call.ts";
import { fieldsOf } from "../call/metadata.ts";
import { fail } from "../errors.ts";
import type { Logger } from "../log/logger.ts";
import type { AnsweredMethod } from "../rpc/method.ts";
import type { Peer } from "../rpc/record.ts";
import type { Rpc } from "../rpc/rpc.ts";
import { answerUnary } from "../rpc/unary.ts";
import { ExpressArrival } from "./arrival.ts";
import type { Failure } from "./failure.ts";
import { writeFailure } from "./failure.ts";
import { fieldsFit, readFields, sizeOfFields, writeFields } from "./fields.ts";
import { FrameError, kinds, wireLimits } from "./frame.ts";
import { IdTable } from "./id-table.ts";
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
  limits: ServerLimits;
  log: Logger;
  now?: () => number;
}

interface Word {
  readonly text: string;
  /** On the wire, which is never less than in memory. */
  readonly bytes: number;
  readonly method: AnsweredMethod | undefined;
}

/** Messages below it are not counted one by one: the number of calls bounds them. */
const smallBytes = 4 * 1024;
/** With so much unsent, nothing more is read: whoever does not take answers gets no new ones. */
const fullBytes = 1024 * 1024;
/**
 * A handler may work on though its call was ended, so the call's place is kept
 * for this long: else whoever calls and cancels in turn would have any number
 * of them at work (CVE-2023-44487 and kin).
 */
const stragglerMs = 1000;
/** Of what a peer can bring about without end, this many lines in ten seconds are logged. */
const refusalLines = 10;

/** The serving end of one connection. */
export class ServerConnection {
  readonly socket: Socket;
  /** When the last call came or, for one that takes no more, the last was answered; for whoever looks for idle peers. */
  lastCallMs: number;
  /** Since when a frame is unfinished. */
  unfinishedSinceMs: number | undefined = undefined;
  private readonly options: ServerConnectionOptions;
  private readonly now: () => number;
  private readonly peer: Peer;
  private readonly inbox: Inbox;
  private readonly outbox: Outbox;
  private readonly reader = new Reader();
  private readonly words: Word[] = [];
  /** Not known yet while it waits to be let in; why it is to end when that came first. */
  private readonly live = new IdTable<LiveCall | ConnectError | undefined>();
  private readonly hold: Hold;
  /** Takes no further calls. */
  away = false;
  /** Bytes of answers that were counted as held. */
  private unsent = 0;
  private readonly tooManyControls: Rate;
  private readonly tooManyLines: Rate;

  constructor(options: ServerConnectionOptions) {
    const { socket, held, limits, now = performance.now.bind(performance) } = options;
    this.options = options;
    this.socket = socket;
    this.now = now;
    this.lastCallMs = now();
    this.tooManyControls = createRate(limits.controlFramesPerTenSeconds, 10_000, now);
    this.tooManyLines = createRate(refusalLines, 10_000, now);
    this.peer = { address: socket.remoteAddress ?? "", protocol: "express" };
    this.hold = held.open(() => this.cut("too many bytes held"));
    this.outbox = new Outbox(socket);
    this.inbox = createInbox(wireLimits.requestBytes + wireLimits.metadataBytes, (data, at, end) =>
      this.onFrame(this.reader.open(data, at, end)),
    );
    socket.on("data", (chunk: Buffer) => this.onData(chunk));
    socket.on("end", () => {
      this.outbox.flush();
      socket.end();
    });
    socket.on("drain", () => {
      this.countUnsent();
      socket.resume();
    });
    socket.once("close", () => this.onClose());
  }

  /** Calls that are being answered. */
  get inFlight(): number {
    return this.live.size;
  }

  /**
   * Takes no further calls. The peer closes the connection when its calls are
   * answered; until then it is told of those that crossed the news that they
   * may be made elsewhere.
   */
  leave(): void {
    if (this.away) return;
    this.away = true;
    this.lastCallMs = this.now();
    this.outbox.begin(kinds.away, 0);
    this.outbox.finish();
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
    if (this.countUnsent() > fullBytes) this.socket.pause();
  }

  /** Answers that nobody reads take memory too. */
  private countUnsent(): number {
    const unsent = this.socket.writableLength + this.outbox.unsent;
    if (unsent !== this.unsent) this.hold.take(unsent - this.unsent);
    this.unsent = unsent;
    return unsent;
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
    const bytes = frame.left;
    const text = frame.text();
    if (text.length > wireLimits.wordBytes) throw new FrameError("a word is too long");
    this.hold.take(bytes - (this.words[slot]?.bytes ?? 0));
    this.words[slot] = { text, bytes, method: this.options.paths.get(text) };
  }

  private onCall(frame: Reader): void {
    const size = frame.left;
    if (!this.away) this.lastCallMs = this.now();
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
      if (!this.tooManyLines()) {
        this.options.log.warn({ peer: this.peer.address }, "call refused: too many at once");
      }
      this.refuse(id, refusals.tooMany());
      return;
    }
    this.answer(id, method.method, arrival, message, size, giveBack);
  }

  private onCancel(id: number): void {
    if (this.live.has(id)) this.end(id, hungUp());
  }

  private end(id: number, reason: ConnectError): void {
    const call = this.live.get(id);
    if (call instanceof LiveCall) call.end(reason);
    else if (!call) this.live.set(id, reason);
  }

  private refuse(id: number, error: ConnectError): void {
    writeFailure(this.outbox, id, { error, processed: false });
  }

  private answer(
    id: number,
    method: AnsweredMethod,
    arrival: ExpressArrival,
    message: Uint8Array,
    size: number,
    giveBack: () => void,
  ): void {
    this.live.set(id, undefined);
    const hold = size > smallBytes ? this.holdOf(id, size) : undefined;
    answerUnary(this.options.rpc, {
      method,
      arrival,
      message,
      peer: this.peer,
      onCall: (call) => {
        const reason = this.socket.destroyed ? hungUp() : this.live.get(id);
        this.live.set(id, call);
        if (reason) call.end(reason);
      },
      onOutcome: (outcome) => {
        const call = this.live.get(id);
        this.live.delete(id);
        hold?.close();
        const mayGoOn = call instanceof LiveCall && call.ended !== undefined;
        if (mayGoOn && outcome.error && outcome.processed) setTimeout(giveBack, stragglerMs).unref();
        else giveBack();
        if (outcome.error) this.writeFailure(id, outcome, arrival);
        else this.writeAnswer(id, arrival, outcome.bytes);
        if (this.away) this.lastCallMs = this.now();
      },
    });
  }

  private holdOf(id: number, bytes: number): Hold {
    const hold = this.options.held.open(() => this.end(id, heldTooMuch()));
    hold.take(bytes);
    return hold;
  }

  /** What a handler set before it failed goes with the error, as in the other protocols. */
  private writeFailure(id: number, failure: Failure, { answerHeader, answerTrailer }: ExpressArrival): void {
    const more = answerHeader || answerTrailer ? [answerHeader, answerTrailer] : undefined;
    writeFailure(this.outbox, id, failure, more);
  }

  private writeAnswer(id: number, { answerHeader, answerTrailer }: ExpressArrival, bytes: Uint8Array): void {
    const header = fieldsOf(answerHeader);
    const trailer = fieldsOf(answerTrailer);
    if (!fieldsFit(header) || !fieldsFit(trailer)) {
      writeFailure(this.outbox, id, { error: tooMuchMetadata(), processed: true });
      return;
    }
    const size = sizeOfFields(header) + sizeOfFields(trailer);
    this.outbox.begin(kinds.answer, 4 + size + bytes.length);
    this.outbox.u32(id);
    writeFields(this.outbox, header);
    writeFields(this.outbox, trailer);
    this.outbox.bytes(bytes);
    this.outbox.finish();
    if (bytes.length > smallBytes) this.countUnsent();
  }

  private pong(): void {
    if (this.tooManyControls()) throw new FrameError("too many pings");
    this.outbox.begin(kinds.pong, 0);
    this.outbox.finish();
  }

  private onClose(): void {
    this.hold.close();
    for (const call of this.live.all()) if (call instanceof LiveCall) call.end(hungUp());
  }
}

const hungUp = () => fail.canceled("canceled", "the caller hung up");
const tooMuchMetadata = () =>
  fail.internal("too_much_metadata", "the handler set more metadata than an answer may have");
const heldTooMuch = () =>
  fail.exhausted("too_many_bytes", "this process holds too many messages now", {
    remedy: "call again later",
  });

const refusals = {
  unknown: (path: string) =>
    fail.unimplemented("unimplemented", `nothing is served at ${path.slice(0, 200)}`),
  stopping: () => fail.unavailable("stopping", "this instance is stopping", { remedy: "call again" }),
  tooMany: () =>
    fail.exhausted("too_many_calls", "this address has too many calls in flight here", {
      remedy: "call again",
    }),
};
