import { expect, test } from "vitest";
import { WorkService } from "#gen/mesh/v1/jobs_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { UserService } from "#gen/user/v1/user_pb.js";
import type { Ordered } from "./stop-order.ts";
import { stopInOrder } from "./stop-order.ts";

test("the edge stops first, then services, then the queue that they report to, then the issuer", async () => {
  const stopped: string[] = [];
  const running = [
    { name: "issuer", definition: { contracts: [TokenService] } },
    { name: "queue", definition: { contracts: [UserService, WorkService] } },
    { name: "user", definition: { contracts: [UserService] } },
    { name: "edge", definition: { contracts: [], edge: true as const } },
  ].map(({ name, definition }: { name: string; definition: Ordered }) => ({
    definition,
    service: {
      stop: async () => {
        await new Promise((resolve) => setTimeout(resolve, name === "user" ? 20 : 1));
        stopped.push(name);
      },
    },
  }));
  await stopInOrder(running);
  expect(stopped).toEqual(["edge", "user", "queue", "issuer"]);
});
