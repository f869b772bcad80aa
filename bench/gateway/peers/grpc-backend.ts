/** The one backend of all gateways that speak gRPC. */
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { NewItem } from "../items.ts";
import { createItems } from "../items.ts";
import { grpcItems } from "../proto.ts";

type Call<Q> = ServerUnaryCall<Q, object>;
type Answer = sendUnaryData<object>;

export async function startServer() {
  const items = createItems(Number);
  const server = new Server();
  server.addService(grpcItems().service, {
    getItem: ({ request }: Call<{ id: string }>, answer: Answer) => answer(null, items.get(request.id)),
    createItem: ({ request }: Call<NewItem<number>>, answer: Answer) => answer(null, items.create(request)),
    listItems: ({ request }: Call<{ limit: number }>, answer: Answer) =>
      answer(null, { items: items.list(request.limit) }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}` };
}
