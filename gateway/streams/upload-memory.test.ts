import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";

const megabyte = 1024 * 1024;
const chunk = Buffer.alloc(megabyte, "x");
const formType = "multipart/form-data; boundary=b";
const formHead = '--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n';
const formTail = "\r\n--b--\r\n";

/** Sends a file of so many megabytes; what is answered. */
async function send(port: number, megabytes: number, isForm: boolean): Promise<string> {
  const [type, head, tail] = isForm ? [formType, formHead, formTail] : ["video/mp4", "", ""];
  const size = head.length + megabytes * megabyte + tail.length;
  const socket = connect(port, "127.0.0.1");
  socket.write(
    `POST /v1/folders/a HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: ${size}\r\n\r\n`,
  );
  socket.write(head);
  for (let sent = 0; sent < megabytes; sent++) if (!socket.write(chunk)) await once(socket, "drain");
  socket.write(tail);
  const [answer] = await once(socket, "data");
  socket.destroy();
  return String(answer);
}

test.each([
  ["a raw body", false],
  ["a form", true],
])(
  "a file of 200 MB in %s is never held as a whole, however slow its service",
  async (_what, isForm) => {
    const child = fork(new URL("./testing/edge-process.ts", import.meta.url), { execArgv: [] });
    try {
      const [{ port }] = (await once(child, "message")) as [{ port: number }];
      const mostHeld = async () => {
        child.send("most");
        const [{ most }] = (await once(child, "message")) as [{ most: number }];
        return most / megabyte;
      };
      await send(port, 20, isForm);
      const before = await mostHeld();
      expect(await send(port, 200, isForm)).toContain(`"bytes":"${200 * megabyte}"`);
      // Service and gateway share the process; what is garbage but not yet collected counts too.
      expect((await mostHeld()) - before).toBeLessThan(120);
    } finally {
      child.kill();
      await once(child, "exit");
    }
  },
  120_000,
);
