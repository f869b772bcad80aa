import type { Credentials } from "../credentials.ts";

export interface NatsConfig {
  serverName: string;
  port: number;
  monitorPort: number;
  storeDir: string;
  credentials: Credentials;
  /** Whether what is acknowledged is on disk within a second. */
  fsync: boolean;
}

/** The configuration file; nats-server reads JSON. The password stands here since others can see arguments. */
export function natsConfig(options: NatsConfig): string {
  const { serverName, port, monitorPort, storeDir, credentials, fsync } = options;
  const { user, password } = credentials;
  const config = {
    server_name: serverName,
    listen: `127.0.0.1:${port}`,
    http: `127.0.0.1:${monitorPort}`,
    authorization: { user, password },
    jetstream: {
      store_dir: storeDir,
      max_memory_store: 256 * 1024 * 1024,
      // What streams may take is set aside for them, and by default three quarters of the disk's free
      // space are all there is: too little for all services of a small laptop, though they hold next to nothing.
      max_file_store: 1024 ** 4,
      // "always" costs an fsync per message, and the default of 2 minutes loses too much to a power
      // cut. A crash of the server loses nothing either way: what it wrote is with the kernel.
      sync_interval: fsync ? "1s" : "1h",
    },
    max_payload: 8 * 1024 * 1024,
    // The default, 2 minutes, would let a killed process look alive.
    ping_interval: "20s",
    write_deadline: "10s",
    logtime_utc: true,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
