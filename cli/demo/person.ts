import type { Client } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { AnalyticsService } from "#gen/analytics/v1/analytics_pb.js";
import { BroadcastService } from "#gen/broadcast/v1/broadcast_pb.js";
import { OrderService } from "#gen/order/v1/order_pb.js";
import { PaymentService } from "#gen/payment/v1/payment_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { loadCatalog } from "../catalog.ts";
import { transportTo, urlOf } from "../client.ts";
import { developmentSession } from "../development-user.ts";
import { requireState } from "../state.ts";
import type { Workspace } from "../workspace.ts";

/** What a person of the demonstration calls services with. */
export interface Person {
  readonly email: string;
  readonly products: Client<typeof ProductService>;
  readonly orders: Client<typeof OrderService>;
  readonly payments: Client<typeof PaymentService>;
  readonly broadcasts: Client<typeof BroadcastService>;
  readonly analytics: Client<typeof AnalyticsService>;
}

/** Signs people in on the platform that runs, making their accounts on first use. */
export async function peopleOf(workspace: Workspace) {
  const services = await loadCatalog(workspace);
  const state = await requireState(workspace);
  return async (email: string, role: string): Promise<Person> => {
    const displayName = `Demo ${email.split("@")[0]?.replace("-", " ")}`;
    const { accessToken } = await developmentSession(workspace, { email, role, displayName });
    const to = (service: string) =>
      transportTo(
        urlOf(services, state, service),
        { authorization: `Bearer ${accessToken}` },
        { timeoutMs: 30_000 },
      );
    return {
      email,
      products: createClient(ProductService, to("product")),
      orders: createClient(OrderService, to("order")),
      payments: createClient(PaymentService, to("payment")),
      broadcasts: createClient(BroadcastService, to("broadcast")),
      analytics: createClient(AnalyticsService, to("analytics")),
    };
  };
}
