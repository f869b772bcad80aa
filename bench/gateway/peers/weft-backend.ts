/** Weft's service behind the gateway, which finds it by the broker. */
import type { DescService } from "@bufbuild/protobuf";
import { clone, create, createFileRegistry, setExtension } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { ItemService } from "../../../.weft/bench-gen/bench/items/v1/items_pb.js";
import { MethodSchema, method as methodOption } from "../../../gen/mesh/v1/options_pb.js";
import { hostService } from "../../../mesh/host/host.ts";
import type { Handlers } from "../../../mesh/implementation.ts";
import { handlers } from "../../../mesh/implementation.ts";
import { defineService } from "../../../mesh/service.ts";
import { freePort } from "../../../mesh/testing/free-port.ts";
import type { PeerOptions } from "../../harness/orders.ts";
import { createItems } from "../items.ts";
import { envOf, readOptions } from "../weft-options.ts";
import { nowhere } from "./nowhere.ts";

const items = createItems(BigInt);
const answers: Handlers<typeof ItemService> = {
  getItem: ({ id }) => items.get(id),
  createItem: (item) => items.create(item),
  listItems: ({ limit }) => ({ items: items.list(limit) }),
};

export async function startServer({ env, ...given }: PeerOptions) {
  const options = readOptions(given);
  const contract = options.auth ? ItemService : openToAll();
  const definition = defineService({
    name: "items",
    contracts: [contract],
    setup: () => ({ rpc: [handlers(contract, answers as Handlers<typeof contract>)] }),
  });
  const hosted = await hostService(definition, {
    env: { ...(env as Record<string, string>), ...envOf(options), ITEMS_PORT: `${await freePort()}` },
    logs: nowhere(),
  });
  return { address: `http://127.0.0.1:${hosted.port}` };
}

/** The same contract, but that anyone may call its methods. */
function openToAll(): typeof ItemService {
  const files = new Map<string, FileDescriptorProto>();
  const add = (file: DescService["file"]) => {
    for (const it of file.dependencies) add(it);
    files.set(file.proto.name, file.proto);
  };
  add(ItemService.file);
  const own = clone(FileDescriptorProtoSchema, ItemService.file.proto);
  const everyone = create(MethodSchema, { access: { public: true } });
  for (const { options } of own.service.flatMap((it) => it.method)) {
    if (options) setExtension(options, methodOption, everyone);
  }
  const service = createFileRegistry(own, (name) => files.get(name)).getService(ItemService.typeName);
  if (!service) throw new Error("the open contract has no service");
  return service as unknown as typeof ItemService;
}
