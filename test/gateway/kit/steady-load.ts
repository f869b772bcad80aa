import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** What became of one request. */
export interface Fate {
  readonly method: string;
  /** 0: the connection broke. */
  readonly status: number;
  readonly text: string;
  /** Connections that are asked to end are not used again. */
  readonly closing: boolean;
  /** It went over a connection that had been used before. */
  readonly reused: boolean;
}

export interface SteadyLoad {
  readonly fates: readonly Fate[];
  /** Begins no more; resolves when all have ended. */
  stop(): Promise<readonly Fate[]>;
}

/** GET and POST in turn over connections that are kept, whether or not those before have ended. */
export function startSteadyLoad(
  url: (at: number) => string,
  perSecond: number,
  more: Record<string, string> = {},
): SteadyLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: 30 });
  const fates: Fate[] = [];
  const running = new Set<Promise<void>>();
  const fromMs = performance.now();
  let begun = 0;
  let wanted = true;
  const going = (async () => {
    while (wanted) {
      const due = ((performance.now() - fromMs) * perSecond) / 1000;
      while (begun < due) {
        const at = begun++;
        const one = ask(agent, url(at), at % 2 ? "POST" : "GET", more).then((fate) => void fates.push(fate));
        running.add(one);
        void one.then(() => running.delete(one));
      }
      await sleep(4);
    }
  })();
  return {
    fates,
    async stop() {
      wanted = false;
      await going;
      await Promise.all(running);
      agent.destroy();
      return fates;
    },
  };
}

function ask(agent: Agent, url: string, method: string, headers: Record<string, string>): Promise<Fate> {
  const body = method === "POST" ? "{}" : undefined;
  const more = body ? { "content-type": "application/json", "content-length": String(body.length) } : {};
  return new Promise((resolve) => {
    const asked = request(url, { agent, method, headers: { ...headers, ...more }, timeout: 10_000 });
    const end = (status: number, text: string, closing: boolean) =>
      resolve({ method, status, text, closing, reused: asked.reusedSocket });
    asked.once("timeout", () => asked.destroy(new Error("not within 10 s")));
    asked.once("error", (error) => end(0, error.message, true));
    asked.once("response", (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.once("error", (error) => end(0, error.message, true));
      const { statusCode = 0, headers: given } = response;
      response.once("end", () => end(statusCode, text, given.connection === "close"));
    });
    asked.end(body);
  });
}

/** What was not answered with 200, in words. */
export const failuresIn = (fates: readonly Fate[]): string[] =>
  fates.flatMap(({ method, status, text }) =>
    status === 200 ? [] : [`${method} ${status}: ${text.slice(0, 200)}`],
  );
