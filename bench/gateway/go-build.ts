import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buf } from "../../tools/buf.ts";
import { root } from "./proto.ts";

/** Ours is copied there, what is generated comes beside it, and `go build` puts both together. */
const folder = join(root, ".weft", "bench-go");

const config = {
  version: "v2",
  modules: [
    { path: "bench/proto" },
    { path: "proto" },
    { path: ".weft/proto" },
    {
      path: "node_modules/google-gax/build/protos",
      includes: ["node_modules/google-gax/build/protos/google/api"],
    },
  ],
};

const plugin = (name: string) => ({
  local: ["go", "-C", folder, "tool", name],
  out: join(folder, "gen"),
  opt: "paths=source_relative",
});

const template = {
  version: "v2",
  managed: {
    enabled: true,
    // It names its own package, which its module carries.
    disable: [{ file_option: "go_package", path: "google/api" }],
    override: [{ file_option: "go_package_prefix", value: "weftbench/gen" }],
  },
  plugins: ["protoc-gen-go", "protoc-gen-go-grpc", "protoc-gen-grpc-gateway"].map(plugin),
};

const contracts = ["bench/proto/bench/items", "proto/mesh", ".weft/proto/buf"];

export const hasGo = (): boolean => spawnSync("go", ["version"], { stdio: "ignore" }).error === undefined;

let generated = false;

/** Builds a program of `go/`, and says where it is. The first time, `go` fetches its modules. */
export function buildGo(name: string): string {
  if (!generated) generate();
  generated = true;
  // Standard output is for results.
  const stdio = ["ignore", 2, 2] as const;
  execFileSync("go", ["build", "-buildvcs=false", "-o", "bin/", `./${name}`], {
    cwd: folder,
    stdio: [...stdio],
  });
  return join(folder, "bin", name);
}

function generate(): void {
  rmSync(join(folder, "gen"), { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(import.meta.dirname, "go"), folder, { recursive: true });
  const paths = contracts.flatMap((path) => ["--path", path]);
  buf([
    "generate",
    ".",
    "--config",
    JSON.stringify(config),
    "--template",
    JSON.stringify(template),
    ...paths,
  ]);
}
