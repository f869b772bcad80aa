// A process to be killed: starts both servers, says so, and stays.
// Arguments: the folder, a port for each, and "lets-live" for servers that outlive it.
import { join } from "node:path";
import { startEmbedded } from "#embedded";

const [folder = "", postgresPort, natsPort, mode] = process.argv.slice(2);
const embedded = await startEmbedded({
  dataDir: join(folder, "data"),
  logDir: join(folder, "logs"),
  postgresPort: Number(postgresPort),
  natsPort: Number(natsPort),
  dieWithParent: mode !== "lets-live",
});
process.once("SIGTERM", () => embedded.stop());
process.once("SIGUSR2", () => process.exit(3));
const { postgres, nats } = embedded.status();
const { postgresUrl, natsUrl } = embedded;
console.log(JSON.stringify({ pids: [postgres.pid, nats.pid], postgresUrl, natsUrl }));
