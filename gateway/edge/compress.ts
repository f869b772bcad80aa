import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

/** In the order of our liking. */
export const codings = ["br", "gzip"] as const;
export type Coding = (typeof codings)[number];

/** Below it, headers and time cost more than it saves. */
export const worthCompressing = 1024;

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);
/** 4 is about as quick as gzip's 6 and smaller; higher ones are for what is made once. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

export const compress = (body: string | Uint8Array, coding: Coding): Promise<Buffer> =>
  coding === "br" ? brotli(body, brotliOptions) : zip(body);

/** Text of any kind shrinks; pictures and archives are packed already. */
export const isCompressible = (contentType: string): boolean =>
  /^(text\/|application\/(json|xml|javascript|yaml|x-ndjson|[a-z0-9.-]+\+(json|xml))|image\/svg)/i.test(
    contentType,
  );
