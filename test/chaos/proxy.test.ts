import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openProxy } from "./proxy.ts";
import { ownPort } from "./stores.ts";

/** Unlike `once`, takes no offence at the error that comes before. */
const ended = (socket: Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

/** A server that says what it hears, behind a proxy, and somebody connected to it. */
async function echo() {
  const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await openProxy(await ownPort(), (server.address() as AddressInfo).port);
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  const open = async () => {
    const client = connect(proxy.port, "127.0.0.1");
    let heard = "";
    client
      .on("error", () => {})
      .on("data", (chunk) => {
        heard += chunk;
      });
    const [outcome] = await Promise.race([
      new Promise((resolve) => client.once("connect", resolve)).then(() => ["connected"]),
      ended(client).then(() => ["refused"]),
    ]);
    return { client, outcome, heard: () => heard };
  };
  return { proxy, open };
}

test("a stall lets half of a message through, and the rest when it is over", async () => {
  const { proxy, open } = await echo();
  const { client, heard } = await open();
  client.write("before ");
  await expect.poll(heard).toBe("before ");
  proxy.stall("up");
  client.write("0123456789");
  await expect.poll(heard).toBe("before 01234");
  client.write(" and more");
  await sleep(50);
  expect(heard()).toBe("before 01234");
  await proxy.heal();
  await expect.poll(heard).toBe("before 0123456789 and more");
});

test("a cut breaks what is there, and a refusal what comes, until it is healed", async () => {
  const { proxy, open } = await echo();
  const first = await open();
  const closed = ended(first.client);
  proxy.cut();
  await closed;
  expect((await open()).outcome).toBe("connected");
  await proxy.refuse();
  expect((await open()).outcome).toBe("refused");
  await proxy.heal();
  const last = await open();
  last.client.write("back");
  await expect.poll(last.heard).toBe("back");
});
