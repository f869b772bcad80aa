import { availableParallelism, cpus, release, type } from "node:os";

/** Where figures were measured; without it they mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly os: string;
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() || process.arch,
  cores: availableParallelism(),
  node: process.versions.node,
  os: `${type()} ${release()}`,
});
