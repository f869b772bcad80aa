import { OrderService } from "#gen/order/v1/order_pb.js";
import type { Clients } from "#mesh";

/** Who says what an order costs. */
export const peerContracts = { orders: OrderService };

export type Peers = Clients<typeof peerContracts>;
