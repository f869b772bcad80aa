import { expect, test } from "vitest";
import { OrderService } from "#gen/order/v1/order_pb.js";
import { ProductService } from "#gen/product/v1/product_pb.js";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import { TeamService } from "#gen/user/v1/team_pb.js";
import type { Needing } from "./chosen.ts";
import { chosen } from "./chosen.ts";

const all: Needing[] = [
  { name: "edge", contracts: [], edge: true },
  { name: "order", contracts: [OrderService], calls: { products: ProductService } },
  { name: "product", contracts: [ProductService], calls: { orders: OrderService } },
  { name: "issuer", contracts: [TokenService], calls: { teams: TeamService } },
  { name: "user", contracts: [TeamService] },
  { name: "other", contracts: [] },
];
const names = (wanted: string[]) => chosen(all, wanted).map(({ name }) => name);

test("what is chosen brings whom it calls, and whom those call, the issuer and the edge", () => {
  expect(names(["user"])).toEqual(["edge", "issuer", "user"]);
  expect(names(["order"])).toEqual(["edge", "order", "product", "issuer", "user"]);
  expect(names([])).toEqual(all.map(({ name }) => name));
});
