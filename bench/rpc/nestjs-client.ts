import "reflect-metadata";
import { ClientProxyFactory, Transport } from "@nestjs/microservices";
import type { Observable } from "rxjs";
import { firstValueFrom } from "rxjs";
import type { BenchClient } from "./client.ts";
import type { Document, Item } from "./messages.ts";
import { protoFile, protoOptions } from "./proto.ts";

interface Raw {
  echo(message: Item<number>): Observable<Item<number>>;
  get(message: { id: string }): Observable<Document<number>>;
  list(message: { limit: number }): Observable<{ items: Item<number>[] }>;
}

export async function startClient(address: string): Promise<BenchClient<number>> {
  const proxy = ClientProxyFactory.create({
    transport: Transport.GRPC,
    options: { url: address, package: "bench.v1", protoPath: protoFile, loader: protoOptions },
  });
  const raw = proxy.getService<Raw>("BenchService");
  return {
    int64: Number,
    echo: (message) => firstValueFrom(raw.echo(message)),
    get: (id) => firstValueFrom(raw.get({ id })),
    list: async (limit) => (await firstValueFrom(raw.list({ limit }))).items,
  };
}
