/** What a replica asks another: to lend uses of keys, out of its own share. */
export interface Question {
  readonly seq: number;
  /** What is lent is used within this time of asking, or not at all. */
  readonly holdMs: number;
  readonly items: readonly QuestionItem[];
}

export interface QuestionItem {
  readonly hidden: string;
  /** How many uses. */
  readonly want: number;
  /** In which windows, one bit each. */
  readonly mask: number;
  readonly lengthsMs: readonly number[];
  /** Of all replicas together, by window. */
  readonly limits: readonly number[];
}

/** The answer, item by item. */
export interface Answer {
  readonly seq: number;
  readonly items: readonly AnswerItem[];
}

export interface AnswerItem {
  readonly lent: number;
  /** What the lender has left now, by window, and when it has more where it has nothing. */
  readonly free: readonly number[];
  readonly nextMs: readonly number[];
}

/** The replicas that share the limits now, as one of them sees it. */
export interface Replicas {
  /** All, this one included. */
  readonly count: number;
  /** Place of this one among them; all agree on the order. */
  readonly rank: number;
  readonly others: readonly string[];
}

/** What a limiter does with what comes from the others. */
export interface ExchangeHandler {
  asked(from: string, question: Question): Answer;
  answered(from: string, answer: Answer): void;
  /** What of an answer was not used, item by item. */
  settled(from: string, seq: number, unused: readonly number[]): void;
}

/** The way between replicas. Messages may be late, lost, doubled and out of order: that costs accuracy below the limit, never above. */
export interface Exchange {
  /** Cheap: looked at for every request. */
  replicas(): Replicas;
  /** The name of a key among replicas: 16 bytes, one character each, that do not tell the key. */
  hide(key: string): string;
  handle(handler: ExchangeHandler): void;
  ask(replica: string, question: Question): void;
  settle(replica: string, seq: number, unused: readonly number[]): void;
  /** Says farewell to the others. */
  close(): void;
}

export const alone: Replicas = { count: 1, rank: 0, others: [] };
