import { buf } from "../../tools/buf.ts";

/** Where the generated code of `bench/proto` is put; imported from there by whoever speaks it. */
const out = ".weft/bench-gen";

const config = {
  version: "v2",
  modules: [{ path: "bench/proto" }, { path: "proto" }, { path: ".weft/proto" }, annotations()],
};

const template = {
  version: "v2",
  plugins: [
    {
      local: "protoc-gen-es",
      out,
      opt: [
        "target=js+dts",
        "import_extension=js",
        "rewrite_imports=./buf/validate/*_pb.js:@bufbuild/protovalidate/gen",
        "rewrite_imports=./mesh/v1/*_pb.js:#gen",
        "rewrite_imports=./google/api/*_pb.js:#gen",
      ],
    },
  ],
};

/** Generates the code of the benchmarks' contract, offline, as `tools/generate.ts` does for the platform's. */
export async function generateContract(): Promise<void> {
  await import("../../tools/protos.ts");
  const given = ["--config", JSON.stringify(config), "--template", JSON.stringify(template)];
  buf(["generate", ".", ...given, "--path", "bench/proto/bench"]);
}

/** The contracts in `proto/` name it, so `buf` must find it. */
function annotations() {
  const path = "node_modules/google-gax/build/protos";
  return { path, includes: [`${path}/google/api`] };
}
