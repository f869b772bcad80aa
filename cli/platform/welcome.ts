import { setTimeout as sleep } from "node:timers/promises";
import { paint, print, table } from "../terminal.ts";
import type { Infrastructure } from "./infrastructure.ts";
import type { RunningServices } from "./running.ts";

export interface WelcomeOptions {
  services: RunningServices["services"];
  infrastructure: Infrastructure;
  outside?: { readonly urls: Readonly<Record<string, string>> } | undefined;
  tookMs: number;
}

/** What runs, where it is, and the first calls to try. */
export async function welcome({ services, infrastructure, outside, tookMs }: WelcomeOptions): Promise<void> {
  const rows = await Promise.all(
    services.map(async ({ name, port }) => {
      const url = `http://localhost:${port}`;
      return [name, await healthOf(url), url];
    }),
  );
  for (const server of infrastructure.own) {
    const { port, version, state } = server.status();
    const title = server.name === "postgres" ? "PostgreSQL" : "NATS";
    rows.push([
      `${title} ${version ?? ""}`.trim(),
      state === "ready" ? paint("green", "ready") : state,
      `127.0.0.1:${port}`,
    ]);
  }
  for (const [what, url] of Object.entries(outside?.urls ?? {})) {
    rows.push([`sandbox: ${what}`, paint("green", "ready"), url.replace("127.0.0.1", "localhost")]);
  }
  const portOf = (name: string) => services.find((service) => service.name === name)?.port;
  print(`\n${paint("bold", "Weft is up")} ${paint("dim", `(${(tookMs / 1000).toFixed(1)} s)`)}\n`);
  print(`${table(["service", "health", "url"], rows)}\n`);
  const gateway = portOf("gateway");
  if (gateway !== undefined) print(`${examples(gateway)}\n`);
  print(
    paint("dim", "Ctrl-C stops it. In another terminal: npx weft status, npx weft logs -f, npx weft help"),
  );
}

/** Services that call each other may each be up before the other is; this is how long that is forgiven. */
const settleMs = 3000;

async function healthOf(url: string): Promise<string> {
  const end = performance.now() + settleMs;
  for (;;) {
    const status = await ask(url);
    if (status === "healthy") return paint("green", status);
    if (performance.now() > end) return paint(status === "degraded" ? "yellow" : "red", status);
    await sleep(100);
  }
}

async function ask(url: string): Promise<string> {
  try {
    const { status } = (await (await fetch(`${url}/health`)).json()) as { status: string };
    return status;
  } catch {
    return "no answer";
  }
}

function examples(port: number): string {
  const base = `http://localhost:${port}`;
  const account = '{"email":"ada@example.com","password":"correct horse 9","display_name":"Ada"}';
  return `${paint("bold", "Try")}
  ${base}/api/docs, in a browser
  curl ${base}/api/v1/auth/register -H 'content-type: application/json' \\
    -d '${account}'
  curl ${base}/api/v1/users/profile -H "authorization: Bearer $(npx weft token)"
  npx buf curl --http2-prior-knowledge --protocol grpc ${base} --list-methods`;
}
