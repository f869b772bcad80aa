import { UserCreatedSchema } from "../../gen/user/v1/events_pb.js";
import type { StartClient } from "../harness/orders.ts";
import { openInstance } from "./instance.ts";
import { someone } from "./messages.ts";
import type { Publisher } from "./publish-cases.ts";

export const startClient: StartClient<Publisher> = async (natsUrl) => {
  const { bus } = await openInstance({
    service: "user",
    natsUrl,
    publishes: [UserCreatedSchema],
    namespace: "publishing",
  });
  return { publish: async () => void (await bus.events.publish(UserCreatedSchema, someone())) };
};
