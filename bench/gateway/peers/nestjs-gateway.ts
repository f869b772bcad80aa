/** NestJS before its own gRPC client, over Express, as it comes. */
import "reflect-metadata";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Body, Controller, Get, Inject, Module, Param, Post, Query } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { ClientGrpc } from "@nestjs/microservices";
import { ClientsModule, Transport } from "@nestjs/microservices";
import type { Observable } from "rxjs";
import type { PeerOptions } from "../../harness/orders.ts";
import type { CreatedItem, Item, NewItem } from "../items.ts";
import { packageName, protoFile, protoOptions } from "../proto.ts";

interface Raw {
  getItem(request: { id: string }): Observable<Item<number>>;
  createItem(request: NewItem<number>): Observable<CreatedItem<number>>;
  listItems(request: { limit: number }): Observable<{ items: Item<number>[] }>;
}

class ItemsController {
  readonly client: ClientGrpc;
  items: Raw | undefined;

  constructor(client: ClientGrpc) {
    this.client = client;
  }
  onModuleInit() {
    this.items = this.client.getService<Raw>("ItemService");
  }
  get(id: string) {
    return this.items?.getItem({ id });
  }
  create(item: NewItem<number>) {
    return this.items?.createItem(item);
  }
  list(limit: string) {
    return this.items?.listItems({ limit: Number(limit) });
  }
}
class ItemsModule {}

// Decorators are functions: Node, which only strips types, cannot read their syntax.
const routes = { get: Get(":id"), create: Post(), list: Get() };
for (const [name, route] of Object.entries(routes)) {
  const described = Object.getOwnPropertyDescriptor(ItemsController.prototype, name);
  if (described) route(ItemsController.prototype, name, described);
}
Param("id")(ItemsController.prototype, "get", 0);
Body()(ItemsController.prototype, "create", 0);
Query("limit")(ItemsController.prototype, "list", 0);
Inject("ITEMS")(ItemsController, undefined, 0);
Controller("api/v1/items")(ItemsController);

export async function startServer({ backend }: PeerOptions) {
  const client = {
    name: "ITEMS",
    transport: Transport.GRPC,
    options: { url: String(backend), package: packageName, protoPath: protoFile, loader: protoOptions },
  } as const;
  Module({ imports: [ClientsModule.register([client])], controllers: [ItemsController] })(ItemsModule);
  const app = await NestFactory.create(ItemsModule, { logger: false });
  await app.listen(0, "127.0.0.1");
  const server: Server = app.getHttpServer();
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
