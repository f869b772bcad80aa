import { PaymentService } from "#gen/payment/v1/payment_pb.js";
import { ReservationService } from "#gen/product/v1/reservations_pb.js";
import type { Clients } from "#mesh";

/** Those who do the steps of an order. */
export const peerContracts = { reservations: ReservationService, payments: PaymentService };

export type Peers = Clients<typeof peerContracts>;
