import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Fields } from "../call/metadata.ts";
import { fail } from "../errors.ts";
import type { Failure } from "./failure.ts";
import { readFailure } from "./failure.ts";
import { readFields, sizeOfFields, writeFields } from "./fields.ts";
import { FrameError, kinds, preface, wireLimits } from "./frame.ts";
import { IdTable } from "./id-table.ts";
import type { Inbox } from "./inbox.ts";
import { createInbox } from "./inbox.ts";
import { Outbox } from "./outbox.ts";
import { Reader } from "./reader.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { createVocabulary } from "./vocabulary.ts";

/** One call, as the wire takes it. */
export interface ExpressRequest {
  /** `/user.v1.AuthService/Login` */
  readonly path: string;
  readonly timeoutMs: number;
  readonly authorization: string;
  /** The issuer's statement about the user, or nothing. */
  readonly statement: string;
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly fields: Fields;
  readonly message: Uint8Array;
}

export interface ExpressAnswer {
  readonly header: Fields;
  readonly trailer: Fields;
  readonly message: Uint8Array;
}

/** Told how a call ended: with an answer or without. */
export interface Settle {
  answered(answer: ExpressAnswer): void;
  failed(failure: Failure): void;
}

export interface ClientConnectionOptions {
  host: string;
  port: number;
  connectMs: number;
  /** Largest answer. */
  messageBytes: number;
  /** The server answers in another protocol than this one. */
  onForeign: () => void;
  /** No further calls: the server is leaving, or the connection is gone. */
  onAway: () => void;
}

type State = "greeting" | "open" | "away" | "closed";

/** A silent server is asked whether it lives, and then not waited for much longer. */
const askAfterMs = 2000;
const deadAfterMs = 5000;

/** The calling end of one connection. */
export class ClientConnection {
  readonly ready: Promise<void>;
  private readonly options: ClientConnectionOptions;
  private readonly socket: Socket;
  private readonly outbox: Outbox;
  private readonly inbox: Inbox;
  private readonly reader = new Reader();
  private readonly vocabulary: Vocabulary;
  private readonly pending = new IdTable<Settle>();
  private state: State = "greeting";
  private lastId = 0;
  private lastReadMs = 0;
  /** How often it was found silent since. */
  private silences = 0;
  private greeting: Buffer = Buffer.alloc(0);
  private greeted!: { resolve: () => void; reject: (error: unknown) => void };
  private failure: Error | undefined = undefined;

  constructor(options: ClientConnectionOptions) {
    const { host, port, connectMs, messageBytes } = options;
    this.options = options;
    this.ready = new Promise<void>((resolve, reject) => {
      this.greeted = { resolve, reject };
    });
    this.ready.catch(() => {});
    this.socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.outbox = new Outbox(this.socket, "turn");
    this.vocabulary = createVocabulary(this.outbox);
    this.inbox = createInbox(messageBytes + wireLimits.metadataBytes, (data, at, end) =>
      this.onFrame(this.reader.open(data, at, end)),
    );
    const timer = setTimeout(() => this.close(new Error(`no greeting within ${connectMs} ms`)), connectMs);
    this.ready.then(
      () => clearTimeout(timer),
      () => clearTimeout(timer),
    );
    this.socket.write(preface);
    this.socket.on("data", (chunk: Buffer) => this.onData(chunk));
    this.socket.on("error", (error) => {
      this.failure ??= error;
    });
    this.socket.once("end", () => this.close(new Error("the server closed the connection")));
    this.socket.once("close", () => this.close(new Error("the connection was lost")));
  }

  /** Takes further calls. */
  get open(): boolean {
    return this.state === "open";
  }

  get inFlight(): number {
    return this.pending.size;
  }

  /** Sends a call; gives the id by which it can be cancelled. Only while `open`. */
  call(request: ExpressRequest, settle: Settle): number {
    const { outbox } = this;
    this.lastId = (this.lastId + 1) >>> 0;
    const id = this.lastId;
    const { fields, message, requestId, correlationId, traceparent } = request;
    const [path, authorization, statement] = this.vocabulary.slotsOf([
      request.path,
      request.authorization,
      request.statement,
    ]);
    const texts = 3 + requestId.length + correlationId.length + traceparent.length;
    outbox.begin(kinds.call, 14 + texts + sizeOfFields(fields) + message.length);
    outbox.u32(id);
    outbox.u16(path);
    outbox.u16(authorization);
    outbox.u16(statement);
    outbox.u32(Number.isFinite(request.timeoutMs) ? Math.max(1, Math.ceil(request.timeoutMs)) : 0);
    outbox.text8(requestId);
    outbox.text8(correlationId);
    outbox.text8(traceparent);
    writeFields(outbox, fields);
    outbox.bytes(message);
    outbox.finish();
    if (this.pending.size === 0) this.lastReadMs = performance.now();
    this.pending.set(id, settle);
    return id;
  }

  /** Forgets a call and tells the server, which may stop its work. */
  cancel(id: number): void {
    if (!this.pending.delete(id) || this.state === "closed") return;
    this.outbox.begin(kinds.cancel, 4);
    this.outbox.u32(id);
    this.outbox.finish();
    this.closeWhenIdle();
  }

  /** To be called now and then: finds out whether a silent server lives. */
  check(now: number): void {
    if (this.pending.size === 0 || this.state === "closed") return;
    const silentMs = now - this.lastReadMs;
    if (silentMs <= askAfterMs) return;
    // If we were busy ourselves, what came meanwhile is read only after the first check.
    if (silentMs > deadAfterMs && this.silences > 1) {
      this.close(new Error(`silent for ${Math.round(silentMs / 100) / 10} s`));
    } else if (this.silences++ === 0) {
      this.outbox.begin(kinds.ping, 0);
      this.outbox.finish();
    }
  }

  /** No further calls; closed when those in flight have ended. */
  leave(): void {
    if (this.state === "closed" || this.state === "away") return;
    if (this.state === "greeting") {
      this.close(new Error("it is not wanted any more"));
      return;
    }
    this.state = "away";
    this.options.onAway();
    this.closeWhenIdle();
  }

  close(why: Error): void {
    if (this.state === "closed") return;
    const wasGreeting = this.state === "greeting";
    const cause = this.failure ?? why;
    this.state = "closed";
    this.socket.destroy();
    this.options.onAway();
    if (wasGreeting) this.greeted.reject(cause);
    const lost = this.pending.all();
    this.pending.clear();
    for (const settle of lost) settle.failed({ error: connectionLost(cause), processed: true });
  }

  private closeWhenIdle(): void {
    if (this.state !== "away" || this.pending.size > 0) return;
    this.outbox.flush();
    this.state = "closed";
    this.socket.end();
    // A server that does not close its side would keep the socket for ever.
    setTimeout(() => this.socket.destroy(), 1000).unref();
  }

  private onData(chunk: Buffer): void {
    this.lastReadMs = performance.now();
    this.silences = 0;
    try {
      if (this.state === "greeting") this.greet(chunk);
      else this.inbox.take(chunk);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.close(error);
    }
  }

  private greet(chunk: Buffer): void {
    // The network may cut even this in two.
    const start = this.greeting.length === 0 ? chunk : Buffer.concat([this.greeting, chunk]);
    const length = Math.min(start.length, preface.length);
    if (preface.compare(start, 0, length, 0, length) !== 0) {
      this.options.onForeign();
      this.close(new Error("the server does not speak the express lane"));
      return;
    }
    this.greeting = start;
    if (length < preface.length) return;
    this.state = "open";
    this.greeted.resolve();
    if (start.length > length) this.inbox.take(start.subarray(length));
  }

  private onFrame(frame: Reader): void {
    switch (frame.u8()) {
      case kinds.answer: {
        const id = frame.u32();
        const header = readFields(frame);
        const trailer = readFields(frame);
        // All is read first: a call whose answer cannot be read is lost with the connection.
        this.settled(id)?.answered({ header, trailer, message: frame.rest() });
        break;
      }
      case kinds.failure: {
        const id = frame.u32();
        const failure = readFailure(frame);
        this.settled(id)?.failed(failure);
        break;
      }
      case kinds.away:
        this.leave();
        break;
      default:
      // A pong, whose coming is all there is to it, or a kind of a later version.
    }
  }

  private settled(id: number): Settle | undefined {
    const settle = this.pending.get(id);
    // Cancelled ones are not there any more.
    if (settle) this.pending.delete(id);
    if (this.state === "away") queueMicrotask(() => this.closeWhenIdle());
    return settle;
  }
}

const connectionLost = (cause: Error) =>
  fail.unavailable("connection_lost", `the connection was lost while the call was made: ${cause.message}`, {
    cause,
  });
