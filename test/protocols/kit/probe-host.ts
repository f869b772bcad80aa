import type { Hosted } from "#mesh";
import { hostService } from "#mesh";
import { collectLogs } from "#mesh/testing/logs.ts";
import { probeService } from "#mesh/testing/probe.ts";
import { testStores } from "#mesh/testing/stores.ts";

export interface ProbeHost extends AsyncDisposable {
  readonly hosted: Hosted;
  readonly port: number;
  readonly url: string;
  readonly logs: ReturnType<typeof collectLogs>;
}

/** Hosts the probe as `weft serve` would: on a port, with NATS, and with an issuer that is away. */
export async function hostProbe(
  service: Parameters<typeof probeService> = [],
  env: Record<string, string> = {},
): Promise<ProbeHost> {
  const logs = collectLogs();
  const hosted = await hostService(probeService(...service), {
    env: {
      WEFT_ENV: "test",
      PORT: "0",
      NATS_URL: testStores().natsUrl,
      WEFT_ENDPOINTS: "security=http://127.0.0.1:1",
      // Nobody is there, and nobody will come.
      WEFT_WAIT_FOR_READY: "0s",
      SHUTDOWN_GRACE: "5s",
      ...env,
    },
    logs,
  });
  return {
    hosted,
    port: hosted.port,
    url: `http://127.0.0.1:${hosted.port}`,
    logs,
    [Symbol.asyncDispose]: () => hosted.stop(),
  };
}
