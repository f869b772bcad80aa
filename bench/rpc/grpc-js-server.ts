import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { grpcBench } from "./grpc-js-contract.ts";
import type { Item } from "./messages.ts";
import { messagesOf } from "./messages.ts";

const messages = messagesOf(Number);

export async function startServer() {
  const server = new Server();
  server.addService(grpcBench().service, {
    echo: ({ request }: ServerUnaryCall<Item, Item>, answer: sendUnaryData<Item>) => {
      const { text, number, ratio, flag, tags } = request;
      answer(null, { text, number, ratio, flag, tags });
    },
    get: ({ request }: ServerUnaryCall<{ id: string }, object>, answer: sendUnaryData<object>) =>
      answer(null, messages.document(request.id)),
    list: ({ request }: ServerUnaryCall<{ limit: number }, object>, answer: sendUnaryData<object>) =>
      answer(null, { items: listOf(request.limit) }),
    generate,
    collect: (call: ServerReadableStream<object, object>, answer: sendUnaryData<object>) => {
      let count = 0;
      call.on("data", () => count++);
      call.on("end", () => answer(null, { count }));
    },
    chat: (call: ServerDuplexStream<{ item: Item }, { item: Item }>) => {
      call.on("data", ({ item }: { item: Item }) => call.write({ item }));
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { address: `127.0.0.1:${port}` };
}

const everything = messages.items(1000);
const listOf = (limit: number) => everything.slice(0, limit);

function generate(call: ServerWritableStream<{ count: number }, { item: Item }>): void {
  const item = messages.item(1);
  let left = call.request.count;
  const more = () => {
    while (left > 0) {
      left--;
      if (!call.write({ item })) {
        call.once("drain", more);
        return;
      }
    }
    call.end();
  };
  more();
}
