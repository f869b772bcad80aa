/** What is sent, to whom. */
export interface Letter {
  /** The same for each try, so that a provider that can does it once. */
  readonly id: string;
  /** Address of e-mail, or telephone number in E.164. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** Empty for none. */
  readonly html: string;
  /** In whose name it is, where that is not the platform. */
  readonly voice?: string | undefined;
  /** Where its reader ends letters of this kind. */
  readonly unsubscribe?: string | undefined;
}

export interface Receipt {
  /** The provider's name for it. */
  readonly reference: string;
  /** What it said, in its words. */
  readonly answer: string;
}

/** Takes letters to where they are read. */
export interface Provider {
  readonly name: string;
  /** Throws `Refused` when no further try can help, `Unavailable` when one may. */
  send(letter: Letter, signal: AbortSignal): Promise<Receipt>;
  close(): void;
}

/** The provider will not take it, now or later. */
export class Refused extends Error {
  readonly answer: string;
  constructor(answer: string) {
    super("the provider refused it");
    this.answer = answer;
  }
}

/** The provider could not take it now. */
export class Unavailable extends Error {
  readonly answer: string;
  constructor(answer: string) {
    super("the provider could not take it");
    this.answer = answer;
  }
}
