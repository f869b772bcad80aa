import "reflect-metadata";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import type { MicroserviceOptions } from "@nestjs/microservices";
import { GrpcMethod, Transport } from "@nestjs/microservices";
import { freePort } from "../../mesh/testing/free-port.ts";
import type { Item } from "./messages.ts";
import { messagesOf } from "./messages.ts";
import { protoFile, protoOptions } from "./proto.ts";

const messages = messagesOf(Number);
const everything = messages.items(1000);

class BenchController {
  echo({ text, number, ratio, flag, tags }: Item<number>) {
    return { text, number, ratio, flag, tags };
  }
  get({ id }: { id: string }) {
    return messages.document(id);
  }
  list({ limit }: { limit: number }) {
    return { items: everything.slice(0, limit) };
  }
}
class BenchModule {}

// Decorators are functions: Node, which only strips types, cannot read their syntax.
for (const [name, rpc] of [
  ["echo", "Echo"],
  ["get", "Get"],
  ["list", "List"],
] as const) {
  const described = Object.getOwnPropertyDescriptor(BenchController.prototype, name);
  if (described) GrpcMethod("BenchService", rpc)(BenchController.prototype, name, described);
}
Controller()(BenchController);
Module({ controllers: [BenchController] })(BenchModule);

export async function startServer() {
  const url = `127.0.0.1:${await freePort()}`;
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BenchModule, {
    transport: Transport.GRPC,
    options: { url, package: "bench.v1", protoPath: protoFile, loader: protoOptions },
    logger: false,
  } as MicroserviceOptions);
  await app.listen();
  return { address: url };
}
