import { setTimeout as sleep } from "node:timers/promises";
import { openEdge } from "./open-edge.ts";

// A gateway and a service that takes its time, in a process of their own: for how much they hold is asked.
const edge = await openEdge({
  async put(uploads) {
    let bytes = 0n;
    let count = 0;
    for await (const { file } of uploads) {
      bytes += BigInt(file?.data.length ?? 0);
      if (++count % 200 === 0) await sleep(20);
    }
    return { bytes };
  },
});
let most = 0;
setInterval(() => {
  most = Math.max(most, process.memoryUsage.rss());
}, 10);
process.on("message", () => {
  process.send?.({ most });
  most = 0;
});
process.send?.({ port: edge.port });
