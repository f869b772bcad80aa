import { BlockList } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { WeftError } from "#mesh/errors.ts";
import { idsOf } from "#mesh/rpc/ids.ts";
import { chooseCoding, chooseType } from "../../../gateway/edge/accept.ts";
import { clientAddress } from "../../../gateway/edge/client-address.ts";
import { hasIt, rangeOf } from "../../../gateway/edge/conditional.ts";
import { versionedPath } from "../../../gateway/edge/versions.ts";
import { bindingsOf } from "../../../gateway/routing/bindings-of.ts";
import { parseTemplate } from "../../../gateway/routing/parse-template.ts";
import type { Route } from "../../../gateway/routing/router.ts";
import { createRouter } from "../../../gateway/routing/router.ts";
import { readForm } from "../../../gateway/streams/form.ts";
import { linesOf } from "../../../gateway/streams/lines.ts";
import { libraryRegistry } from "../../../gateway/testing/library-contract.ts";
import { binaryToJson } from "../../../gateway/transcode/binary-to-json.ts";
import { jsonToBinary } from "../../../gateway/transcode/json-to-binary.ts";
import { compileRequest } from "../../../gateway/transcode/request.ts";
import { fuzzContract } from "./fuzz-contract.ts";
import type { Random } from "./fuzz-random.ts";
import { mutated } from "./fuzz-random.ts";
import { jsonFor, queryFor, spiteful } from "./fuzz-values.ts";

const { bindings } = bindingsOf(fuzzContract);
const routes: Route<number>[] = bindings.map(({ verb, template }, value) => ({ verb, template, value }));
const router = createRouter(routes);
const requests = bindings
  .filter(({ method }) => method.methodKind === "unary")
  .map((it) => ({ binding: it, encode: compileRequest(it, libraryRegistry) }));
const types = [...new Set(fuzzContract.methods.map(({ input }) => input))].map((desc) => ({
  desc,
  read: jsonToBinary(desc, libraryRegistry),
  write: binaryToJson(desc, libraryRegistry),
}));
const pieces = spiteful.map((it) => Buffer.from(it));
const trusted = new BlockList();
trusted.addSubnet("10.0.0.0", 8);

const word = (random: Random) =>
  random.oneIn(3)
    ? random.of(spiteful)
    : random.oneIn(2)
      ? String(random.below(100))
      : random.bytes(random.below(8)).toString("latin1");
const text = (random: Random, by: string, parts = 6) =>
  Array.from({ length: random.below(parts) }, () => word(random)).join(by);

/** Throws unless it went well or was refused as the caller's fault. */
function run(codes: readonly Code[], act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (
      !(error instanceof WeftError) ||
      !codes.includes(ConnectError.from(error).code) ||
      error.reason === "internal"
    )
      throw error;
    return false;
  }
}
const callers = [Code.InvalidArgument, Code.ResourceExhausted, Code.Unimplemented] as const;

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const chunksOf = (bytes: Buffer, random: Random) => {
  let at = 0;
  return async () => {
    if (at >= bytes.length) return undefined;
    const from = at;
    at += 1 + random.below(64);
    return bytes.subarray(from, at);
  };
};

async function refusedOrRead(codes: readonly Code[], act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    run(codes, () => {
      throw error;
    });
    return false;
  }
}

const drained = async (form: Awaited<ReturnType<typeof readForm>>) => {
  while ((await form.file.next()) !== undefined);
};

/** One input to one function that strangers reach; true when it was taken, false when it was refused. */
const functions: readonly ((random: Random) => boolean | Promise<boolean>)[] = [
  (random) => {
    const path = mutated(Buffer.from(`/api/v1/${text(random, "/", 8)}`), random, pieces).toString("latin1");
    return run(callers, () => {
      const found = router.match(random.of(["GET", "POST", "HEAD", "PATCH"]), path);
      for (const it of found?.captures ?? []) expectThat(it !== "." && it !== "..", `captured ${it}`);
      router.verbs(path);
    });
  },
  (random) =>
    run(callers, () =>
      versionedPath(`/api/${text(random, "/")}`, random.oneIn(2) ? word(random) : undefined, new Set(["v1"])),
    ),
  (random) =>
    run(callers, () => parseTemplate(`/${text(random, random.of(["/", "{", "}", "=", "*", ":"]))}`)),
  (random) => {
    const { binding, encode } = random.of(requests);
    const body = mutatedSometimes(random, Buffer.from(jsonFor(binding.method.input, random)));
    const captures = binding.variables.map(() => word(random));
    const parts = {
      captures,
      query: queryFor(binding.method.input, random),
      body: random.oneIn(3) ? undefined : body,
      contentType: "application/json",
    };
    return run(callers, () => encode(parts));
  },
  (random) => {
    const { desc, read, write } = random.of(types);
    const json = mutatedSometimes(random, Buffer.from(jsonFor(desc, random)));
    return run(callers, () => JSON.parse(write(read(json))));
  },
  (random) => {
    const { desc, read, write } = random.of(types);
    let good = Buffer.alloc(0) as Buffer;
    run(callers, () => {
      good = Buffer.from(read(Buffer.from(jsonFor(desc, random))));
    });
    return run([Code.Internal], () => JSON.parse(write(mutated(good, random))));
  },
  (random) => {
    const header = `${text(random, ",")}${random.oneIn(2) ? ";q=" : ""}${word(random)}`;
    const type = chooseType(header, ["a/b", "text/event-stream"]);
    chooseCoding(header, ["br", "gzip"]);
    return type !== undefined;
  },
  (random) => {
    const size = random.below(100);
    const part = rangeOf(
      `bytes=${random.oneIn(3) ? text(random, "-") : `${random.below(120)}-${random.oneIn(2) ? random.below(120) : ""}`}`,
      size,
    );
    if (part === undefined || part === "unsatisfiable") return false;
    expectThat(
      part.first >= 0 && part.first <= part.last && part.last < size,
      `range ${part.first}-${part.last} of ${size}`,
    );
    return true;
  },
  (random) => hasIt(text(random, ","), 'W/"x"'),
  (random) => {
    const client = clientAddress("10.1.1.1", text(random, ","), trusted);
    expectThat(/^[0-9a-f.:]+$/i.test(client), `address ${client}`);
    return client !== "10.1.1.1";
  },
  (random) => {
    const { requestId } = idsOf({ header: () => text(random, "") });
    expectThat(/^[\w.:-]{1,128}$/.test(requestId), `id ${requestId}`);
    return true;
  },
  (random) => {
    const good = `--b\r\nContent-Disposition: form-data; name="${word(random)}"\r\n\r\n${word(random)}\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="${word(random)}"\r\n\r\n${"x".repeat(random.below(300))}\r\n--b--\r\n`;
    const next = chunksOf(mutatedSometimes(random, Buffer.from(good)), random);
    return refusedOrRead(callers, () =>
      readForm(`multipart/form-data; boundary=${random.oneIn(9) ? word(random) : "b"}`, next, 1000).then(
        drained,
      ),
    );
  },
  (random) =>
    refusedOrRead(callers, async () => {
      let lines = 0;
      for await (const it of linesOf(chunksOf(Buffer.from(text(random, "\n", 20)), random), 100))
        lines += it.length;
      return lines;
    }),
];

const mutatedSometimes = (random: Random, bytes: Buffer) =>
  random.oneIn(2) ? mutated(bytes, random, pieces) : bytes;

export const callFunction = (random: Random): boolean | Promise<boolean> => random.of(functions)(random);
