import { create, toBinary } from "@bufbuild/protobuf";
import { DiscardPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { UserCreatedSchema } from "../../gen/user/v1/events_pb.js";
import { newId } from "../../mesh/id.ts";
import type { StartClient } from "../harness/orders.ts";
import { someone } from "./messages.ts";
import type { Publisher } from "./publish-cases.ts";

/** The client alone, to a stream that keeps as much and tells duplicates apart as ours do. */
export const startClient: StartClient<Publisher> = async (natsUrl) => {
  const { protocol, host, username, password } = new URL(natsUrl);
  const connection = await connect({
    servers: `${protocol}//${host}`,
    ...(username && !password && { token: decodeURIComponent(username) }),
    ...(password && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  });
  const jsm = await jetstreamManager(connection);
  await jsm.streams.add({
    name: "raw",
    subjects: ["raw.>"],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    duplicate_window: 2 * 60_000_000_000,
    max_bytes: 1024 * 1024 * 1024,
  });
  const js = jetstream(connection);
  return {
    publish: async () => {
      const data = toBinary(UserCreatedSchema, create(UserCreatedSchema, someone()));
      await js.publish("raw.user.created", data, { msgID: newId() });
    },
  };
};
