/** The services of a platform, however they are hosted. */
export interface RunningServices {
  readonly services: readonly { readonly name: string; readonly port: number; readonly pid: number }[];
  stop(): Promise<void>;
}
