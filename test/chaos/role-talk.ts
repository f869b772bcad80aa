/** What a process of the run is started with. */
export interface RoleOptions {
  /** Of its service: several instances may be of one. */
  readonly service: string;
  /** Of this life of this process. */
  readonly instanceId: string;
  readonly natsUrl: string;
  readonly databaseUrl: string;
  /** Most bytes of the stream now. */
  readonly maxBytes: number;
  /** For publishers. */
  readonly writing?: WritingOptions;
}

export interface WritingOptions {
  /** Gets a line for each step of each change; what is written stays when the process is killed. */
  readonly file: string;
  readonly aggregates: number;
  readonly perSecond: number;
}

/** How often consumers of this process did what, so far. */
export type Counts = Readonly<Record<string, number>>;

export type FromRole = { readonly ready: true } | { readonly counts: Counts } | { readonly idle: true };
export type ToRole = { readonly maxBytes: number } | { readonly writing: false };
