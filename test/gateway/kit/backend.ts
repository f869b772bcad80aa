import type { AddressInfo, Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { DescService } from "@bufbuild/protobuf";
import { connectNats, createLogger, newId } from "#mesh";
import { describeContracts } from "#mesh/discovery/contracts.ts";
import { keepContracts } from "#mesh/discovery/contracts-bucket.ts";
import { holdLease } from "#mesh/discovery/lease.ts";
import { kinds, preface } from "#mesh/express/frame.ts";
import type { Frame } from "#mesh/testing/express.ts";
import { createFrameReader } from "#mesh/testing/express.ts";
import { freePort } from "#mesh/testing/free-port.ts";
import type { TestMethod } from "../../../gateway/contracts/testing/test-file.ts";
import { testServices } from "../../../gateway/contracts/testing/test-file.ts";
import type { SmallPlatform } from "./small-platform.ts";

/** One connection to a backend that does as the test says. */
export interface BackendPeer {
  readonly socket: Socket;
  send(...frames: readonly Uint8Array[]): void;
}

export interface Script {
  /** Default: says that it speaks the express lane. */
  connected?: (peer: BackendPeer) => void;
  /** A call came, with its id and all that it says. Default: nothing, for ever. */
  called?: (id: number, peer: BackendPeer, said: string) => void;
  /** Bytes that came, for whoever speaks something else. Default: they are read as frames. */
  heard?: (chunk: Buffer, peer: BackendPeer) => void;
}

export interface Backend {
  readonly port: number;
  /** Calls that came, and those that were cancelled. */
  readonly calls: number;
  readonly cancels: number;
  /** Ends at once, as a process that is killed does, and stays announced. */
  kill(): void;
}

const silent = createLogger({
  service: "backend",
  level: "silent",
  contracts: [],
  destination: { write: () => {} },
});

/** What every scripted service has: its routes are `/api/v1/<name>/{id}`. */
export const scriptedContract = (name: string, timeout = "5s"): DescService => {
  const access = { public: true };
  const path = `/api/v1/${name}/{id}`;
  const methods: Record<string, TestMethod> = {
    Look: { http: { get: path }, idempotency: "NO_SIDE_EFFECTS", options: { access, timeout } },
    Change: { http: { post: path, body: "*" }, options: { access, timeout } },
    Pour: { stream: "out", options: { access, timeout } },
  };
  const [contract] = testServices({ process: name, package: `${name}.v1`, services: { Script: methods } });
  if (!contract) throw new Error("there is no contract");
  return contract;
};

/** Announces an instance at this port; whether anybody is there is the test's matter. */
export async function announce(
  { nats: server, opened }: SmallPlatform,
  contract: DescService,
  service: string,
  { port, express = true }: { port: number; express?: boolean },
): Promise<void> {
  const nats = await connectNats({ url: server.url, name: service, log: silent, waitMs: 5000 });
  const contracts = describeContracts([contract]);
  const kept = keepContracts({ nats, log: silent, contracts });
  const lease = holdLease({
    nats,
    log: silent,
    instance: {
      id: newId(),
      service,
      host: "127.0.0.1",
      port,
      version: "1.0.0",
      weight: 100,
      contracts: contracts.hash,
      express,
    },
  });
  opened.defer(async () => {
    await Promise.all([lease.withdraw(), kept.stop()]);
    await nats.close();
  });
  await Promise.all([lease.announced, kept.published]);
}

/** Nobody listens there. */
export const nobodyAt = (): Promise<number> => freePort();

/** A server that speaks the express lane, or anything, as the test says. */
export async function openBackend(platform: SmallPlatform, script: Script): Promise<Backend> {
  const { connected = ({ socket }) => void socket.write(preface), called, heard } = script;
  const sockets = new Set<Socket>();
  let calls = 0;
  let cancels = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    const peer: BackendPeer = { socket, send: (...frames) => void socket.write(Buffer.concat(frames)) };
    let skip = preface.length;
    const onFrame = ({ kind, body }: Frame) => {
      if (kind === kinds.cancel) cancels++;
      if (kind !== kinds.call) return;
      calls++;
      called?.(body.readUInt32BE(0), peer, body.toString("latin1"));
    };
    const read = createFrameReader(onFrame);
    socket.on("data", (chunk: Buffer) => {
      if (heard) {
        heard(chunk, peer);
        return;
      }
      const greeting = Math.min(skip, chunk.length);
      skip -= greeting;
      read(chunk.subarray(greeting));
    });
    connected(peer);
  });
  const kill = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  platform.opened.defer(kill);
  return {
    port: await listening(server),
    get calls() {
      return calls;
    },
    get cancels() {
      return cancels;
    },
    kill,
  };
}

export async function listening(server: Pick<Server, "listen" | "address">): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}
