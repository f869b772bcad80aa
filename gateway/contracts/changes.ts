export interface ContractChange {
  /** Who was served by the former contract is not by the new one, or gets something else. */
  readonly kind: "breaking" | "addition";
  readonly what: string;
}

export interface Changes {
  breaks(what: string): void;
  adds(what: string): void;
}
