/**
 * A gateway with a service behind it, in a process of its own: so that whoever
 * kills it lives to tell. Says what it is asked over IPC.
 */
import { fuzzService } from "./fuzz-contract.ts";
import { startSmallPlatform } from "./small-platform.ts";

export interface VictimState {
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** What it logged as a fault of its own. */
  readonly errors: readonly string[];
}

const rejections: string[] = [];
process.on("unhandledRejection", (reason) =>
  rejections.push(`unhandled rejection: ${reason instanceof Error ? reason.stack : reason}`),
);

// The log is kept whole, so only what should not be there is logged.
const quiet = { LOG_LEVEL: "error" };
const platform = await startSmallPlatform({ env: quiet });
await platform.host(fuzzService(), quiet);

/** What a stranger brings about in the wire's own terms, and which the mesh counts as internal all the same. */
const strangers =
  /received compressed envelope|decompression failed|cannot be NaN or Infinity|stream closed with error code|URI malformed/;

const state = (): VictimState => {
  for (let times = 0; times < 3; times++) globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const errors = platform.logs.lines
    .filter(({ level }) => level === "error" || level === "fatal")
    .map((it) => JSON.stringify(it))
    .filter((it) => !strangers.test(it));
  return { heapBytes: heapUsed, rssBytes: rss, errors: [...rejections, ...errors].slice(0, 20) };
};

process.on("message", (message) => {
  if (message === "state") process.send?.(state());
  if (message === "stop") void platform[Symbol.asyncDispose]().then(() => process.exit(0));
});
process.on("disconnect", () => process.exit(0));
process.send?.({ port: Number(new URL(platform.url).port) });
