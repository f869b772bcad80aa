/** Fastify before grpc-js, by hand: a client that is kept, schemas for what comes and what goes. */
import type { AddressInfo } from "node:net";
import type { ServiceError } from "@grpc/grpc-js";
import { credentials, status } from "@grpc/grpc-js";
import { fastify } from "fastify";
import type { PeerOptions } from "../../harness/orders.ts";
import type { CreatedItem, Item, NewItem } from "../items.ts";
import { grpcItems } from "../proto.ts";

type Callback<T> = (error: ServiceError | null, answer: T) => void;

/** What proto-loader makes of the contract when it runs; it has no types of its own. */
interface Raw {
  getItem(request: { id: string }, done: Callback<Item<number>>): void;
  createItem(request: NewItem<number>, done: Callback<CreatedItem<number>>): void;
  listItems(request: { limit: number }, done: Callback<{ items: Item<number>[] }>): void;
}

const text = { type: "string" };
const integer = { type: "integer" };
const number = { type: "number" };
const flag = { type: "boolean" };
const texts = { type: "array", items: text };
const object = (properties: object) => ({ type: "object", properties });

const item = object({ id: text, text, number: integer, ratio: number, flag, tags: texts });
const newItem = { title: text, body: text, size: integer, score: number, published: flag, tags: texts };

const httpStatus: Readonly<Record<number, number>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.NOT_FOUND]: 404,
  [status.DEADLINE_EXCEEDED]: 504,
  [status.UNAVAILABLE]: 503,
};

export async function startServer({ backend }: PeerOptions) {
  const raw = new (grpcItems())(String(backend), credentials.createInsecure()) as unknown as Raw;
  const app = fastify();
  app.setErrorHandler<ServiceError & { statusCode?: number }>((error, _, reply) =>
    reply.code(error.statusCode ?? httpStatus[error.code] ?? 500).send({ error: error.message }),
  );

  app.get<{ Params: { id: string } }>(
    "/api/v1/items/:id",
    { schema: { params: object({ id: text }), response: { 200: item } } },
    ({ params: { id } }) =>
      new Promise((resolve, reject) =>
        raw.getItem({ id }, (error, answer) => (error ? reject(error) : resolve(answer))),
      ),
  );
  app.post<{ Body: NewItem<number> }>(
    "/api/v1/items",
    { schema: { body: object(newItem), response: { 200: object({ id: text, ...newItem }) } } },
    ({ body }) =>
      new Promise((resolve, reject) =>
        raw.createItem(body, (error, answer) => (error ? reject(error) : resolve(answer))),
      ),
  );
  app.get<{ Querystring: { limit: number } }>(
    "/api/v1/items",
    {
      schema: {
        querystring: object({ limit: integer }),
        response: { 200: object({ items: { type: "array", items: item } }) },
      },
    },
    ({ query: { limit } }) =>
      new Promise((resolve, reject) =>
        raw.listItems({ limit }, (error, answer) => (error ? reject(error) : resolve(answer))),
      ),
  );

  await app.listen({ host: "127.0.0.1", port: 0 });
  return { address: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` };
}
