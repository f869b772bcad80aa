/** The queue service, in a process of its own. */
import { hostService } from "../../mesh/host/host.ts";
import queue from "../../services/queue/service.ts";

export async function open({ env }: { env: Record<string, string> }): Promise<void> {
  await hostService(queue, { env });
}
