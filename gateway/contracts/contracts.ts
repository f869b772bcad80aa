import type { DescService, FileRegistry } from "@bufbuild/protobuf";
import type { Binding } from "../routing/binding.ts";
import type { ContractChange } from "./changes.ts";

/** What one service serves, as far as the gateway is concerned. */
export interface ServedContract {
  readonly service: string;
  /** Of its descriptor set. */
  readonly hash: string;
  /** All that its contracts are made of. */
  readonly registry: FileRegistry;
  /** Those that name this service as the one that serves them. */
  readonly contracts: readonly DescService[];
  readonly bindings: readonly Binding[];
}

export interface ContractReport {
  readonly service: string;
  readonly hash: string;
  readonly status: "served" | "refused" | "loading";
  /** Why it is not served. */
  readonly problems: readonly string[];
  /** Against the contract of this service that was served before it, or is served in its place. */
  readonly changes: readonly ContractChange[];
}

/** What is served at one time. Never changed: another takes its place. */
export interface ContractsSnapshot {
  readonly version: number;
  /** By name of service; the same array for as long as only reports change. */
  readonly served: readonly ServedContract[];
  readonly reports: readonly ContractReport[];
}

export interface LiveContracts {
  current(): ContractsSnapshot;
  /** Calls back with each snapshot that takes the place of another; gives back how to stop. */
  onChange(listener: (snapshot: ContractsSnapshot) => void): () => void;
  close(): void;
}
