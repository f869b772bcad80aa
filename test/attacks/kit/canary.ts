import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { TeamService } from "#gen/user/v1/team_pb.js";
import { until } from "./until.ts";
import { canaryName } from "./victim-talk.ts";

/** Somebody who calls all the time, as an honest client does, and notes how that goes. */
export interface Canary {
  answered(): number;
  readonly failures: string[];
  /** Waits until this many more calls were answered. */
  answers(more: number): Promise<void>;
  stop(): Promise<void>;
}

/** Far more than a call takes on a machine that is busy with an attack. */
const patienceMs = 30_000;

export async function startCanary(port: number): Promise<Canary> {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transports = [
    createGrpcTransport({ baseUrl, sessionManager }),
    // A new connection for each call.
    createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions: { agent: false } }),
  ];
  const clients = transports.map((transport) => createClient(TeamService, transport));
  const headers = { authorization: "Bearer test" };
  const failures: string[] = [];
  let answered = 0;
  let stopped = false;

  const call = async (client: (typeof clients)[number], triesLeft = 3): Promise<void> => {
    try {
      await client.createTeam({ name: canaryName }, { headers, timeoutMs: patienceMs });
      answered++;
    } catch (error) {
      // Nothing was done for it: its connection was closed as idle at that moment (RFC 9113 §8.7).
      if (triesLeft > 0 && /REFUSED_STREAM/.test(String(error))) await call(client, triesLeft - 1);
      else failures.push(String(error));
    }
  };
  const loop = (async () => {
    while (!stopped) {
      await Promise.all(clients.map((client) => call(client)));
      await sleep(20);
    }
  })();
  const answers = (more: number) => {
    const enough = answered + more;
    return until(() => answered >= enough || failures.length > 0, patienceMs);
  };
  await answers(2);

  return {
    answered: () => answered,
    failures,
    answers,
    stop: async () => {
      stopped = true;
      await loop;
      sessionManager.abort();
    },
  };
}
