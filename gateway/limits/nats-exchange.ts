import { hash } from "node:crypto";
import type { Logger, Nats } from "#mesh";
import { newId } from "#mesh";
import type { Exchange, ExchangeHandler } from "./exchange.ts";
import { alone } from "./exchange.ts";
import { createMembers } from "./members.ts";
import type { Message } from "./wire.ts";
import { decode, encode } from "./wire.ts";

export interface ExchangeOptions {
  nats: Nats;
  log: Logger;
  /** Where replicas speak. Default `weft.gateway.limits`; those that are to share limits have it in common. */
  subject?: string;
  /**
   * Goes into the names of keys, alike at all replicas. Who knows it can try
   * all addresses to learn which is meant. Default: none.
   */
  salt?: string;
  /** Default: a new id. */
  replica?: string;
  now?: () => number;
}

const policy = {
  /** How often a replica says that it is there. */
  hereMs: 300,
  /** Five of these missed, and it is taken for gone. */
  goneMs: 1500,
  /** Beyond it the shares of the default limits would be none. */
  mostReplicas: 64,
  /** A stream of bad messages gives a line this often. */
  complainMs: 10_000,
} as const;

/**
 * Replicas over plain publish and subscribe: nothing is stored, and with NATS
 * away each holds to the limits alone. Who joins is known to all within a
 * millisecond or so, who leaves at once, who dies within 1.5 s; until all agree
 * a key may be admitted up to one share too often, once.
 */
export function openExchange(options: ExchangeOptions): Exchange {
  const { nats, log, subject = nats.subject("weft.gateway.limits"), salt = "", replica = newId() } = options;
  const { now = () => performance.now() } = options;
  const members = createMembers({ self: replica, goneMs: policy.goneMs, most: policy.mostReplicas - 1 });
  let handler: ExchangeHandler | undefined;
  let complainedMs = Number.NEGATIVE_INFINITY;
  let tickedMs = now();

  const publish = (to: string, message: Message) => {
    // What is published to a broker that is away is sent when it is back, and would be stale.
    if (!nats.connected()) return;
    try {
      nats.connection.publish(to, encode(message));
    } catch (error) {
      // Closed in this moment: who waits for the answer is decided without it.
      complain("cannot speak to other gateways", error);
    }
  };
  const sayHere = () => publish(subject, { kind: "here", from: replica });

  const complain = (problem: string, err?: unknown) => {
    if (now() - complainedMs < policy.complainMs) return;
    complainedMs = now();
    log.warn({ err }, `${problem} on ${subject}; limits hold, with each replica's own share`);
  };

  const receive = (message: Message) => {
    if (message.from === replica) return;
    if (message.kind === "farewell") return members.left(message.from);
    // So that a new one need not wait for the next time.
    if (members.heard(message.from, now())) sayHere();
    if (message.kind === "question" && handler) {
      const answer = handler.asked(message.from, message.question);
      publish(`${subject}.${message.from}`, { kind: "answer", from: replica, answer });
    }
    if (message.kind === "settled") handler?.settled(message.from, message.seq, message.unused);
    if (message.kind === "answer") handler?.answered(message.from, message.answer);
  };

  const callback = (err: Error | null, { data }: { data: Uint8Array }) => {
    if (err) return complain("cannot hear other gateways", err);
    const message = decode(data);
    if (message) receive(message);
    else complain("a message that is none of ours, or of another version,");
  };
  const subscriptions = [subject, `${subject}.${replica}`].map((it) =>
    nats.connection.subscribe(it, { callback }),
  );

  const tick = () => {
    const nowMs = now();
    const lateMs = nowMs - tickedMs - policy.hereMs;
    tickedMs = nowMs;
    if (!nats.connected()) return members.forgetAll();
    // A busy event loop runs this before it reads what came meanwhile.
    members.age(nowMs, lateMs > policy.hereMs ? lateMs : 0);
    sayHere();
  };
  const timer = setInterval(tick, policy.hereMs).unref();
  sayHere();

  return {
    replicas: () => (nats.connected() ? members.view() : alone),
    hide: (key) => hash("sha256", `${salt}\0${key}`, "binary").slice(0, 16),
    handle: (it) => {
      handler = it;
    },
    ask: (to, question) => publish(`${subject}.${to}`, { kind: "question", from: replica, question }),
    settle: (to, seq, unused) => publish(`${subject}.${to}`, { kind: "settled", from: replica, seq, unused }),
    close() {
      clearInterval(timer);
      publish(subject, { kind: "farewell", from: replica });
      for (const it of subscriptions) if (!nats.connection.isClosed()) it.unsubscribe();
    },
  };
}
