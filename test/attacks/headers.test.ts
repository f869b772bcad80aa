import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { block, field, flag, frame, headers, newestField, rememberedField, type } from "./kit/frames.ts";
import type { RawHttp2 } from "./kit/http2.ts";
import { messages, openHttp2, paths, unaryHeaders, wholeCall } from "./kit/http2.ts";
import type { Victim } from "./kit/open-victim.ts";
import { openVictim } from "./kit/open-victim.ts";
import { openRaw } from "./kit/raw.ts";
import { until } from "./kit/until.ts";

let victim: Victim;
beforeAll(async () => {
  victim = await openVictim();
});
afterAll(() => victim[Symbol.asyncDispose]());

const start = "GET /health/live HTTP/1.1\r\nHost: victim\r\n";
const megabyte = "x".repeat(1024 * 1024);
const lines = (count: number) => Array.from({ length: count }, (_, i) => `x-${i}: y\r\n`).join("");

describe("HTTP/1.1 requests with too much before their body are refused with 431", () => {
  const bombs: Record<string, string> = {
    "a header of 1 MB": `${start}X-Large: ${megabyte}\r\n\r\n`,
    "10,000 headers": `${start}${lines(10_000)}\r\n`,
    "headers that are small but too many": `${start}${lines(150)}\r\n`,
    "an address of 1 MB": `GET /${megabyte} HTTP/1.1\r\nHost: victim\r\n\r\n`,
  };
  for (const [what, bytes] of Object.entries(bombs)) {
    test(what, async () => {
      const { started } = await victim.under(async () => {
        for (let i = 0; i < 10; i++) {
          using raw = await openRaw(victim.port);
          await raw.send(bytes);
          await until(() => raw.received() !== "" || raw.isClosed());
          expect(raw.received()).toMatch(/^HTTP\/1\.1 431 /);
        }
      });
      expect(started).toBe(0);
    });
  }

  test("a chunk with an extension of 1 MB (CVE-2024-22019) ends its connection", async () => {
    await victim.under(async () => {
      using raw = await openRaw(victim.port);
      await raw.send(
        `POST ${paths.createTeam} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: application/proto\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      await raw.send(`1;x=${megabyte}\r\n\0\r\n0\r\n\r\n`);
      await raw.closed();
    });
  });

  test("trailers of 1 MB end their connection", async () => {
    await victim.under(async () => {
      using raw = await openRaw(victim.port);
      await raw.send(
        `POST ${paths.createTeam} HTTP/1.1\r\nHost: victim\r\nAuthorization: Bearer test\r\nContent-Type: application/proto\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\0\r\n0\r\n`,
      );
      await raw.send(`x-large: ${megabyte}\r\n\r\n`);
      await raw.closed();
    });
  });
});

const fields = block(unaryHeaders(paths.createTeam));
const frameBytes = 16_000;

/** One header block over as many frames as it takes. */
function inFrames(stream: number, whole: Buffer, ended = true): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; at += frameBytes) {
    const part = whole.subarray(at, at + frameBytes);
    const isLast = ended && at + frameBytes >= whole.length;
    const flags = isLast ? flag.endHeaders : 0;
    parts.push(at === 0 ? headers(stream, part, flags) : frame(type.continuation, flags, stream, part));
  }
  return Buffer.concat(parts);
}

const refused = (attacker: RawHttp2, stream: number) =>
  until(() => attacker.isClosed() || attacker.resets.has(stream));

describe("HTTP/2 streams with too many headers are refused", () => {
  const many = (count: number) =>
    Buffer.concat([fields, ...Array.from({ length: count }, (_, i) => field(`x-${i}`, "y"))]);
  const bombs: Record<string, Buffer> = {
    "a header of 1 MB": Buffer.concat([
      fields,
      ...Array.from({ length: 64 }, () => field("x-large", megabyte.slice(0, 16_000))),
    ]),
    "10,000 headers": many(10_000),
    "headers that are small but too many": many(150),
    "a field that is written once and named 4,000 times (CVE-2016-6581)": Buffer.concat([
      fields,
      rememberedField("x-bomb", "x".repeat(3000)),
      ...Array.from({ length: 4000 }, () => newestField),
    ]),
  };
  for (const [what, whole] of Object.entries(bombs)) {
    test(what, async () => {
      const { started } = await victim.under(
        async () => {
          for (let i = 0; i < 20; i++) {
            using attacker = await openHttp2(victim.port);
            const stream = attacker.nextStream();
            await attacker.send(inFrames(stream, whole));
            await refused(attacker, stream);
          }
        },
        { growthMb: 60 },
      );
      expect(started).toBe(0);
    });
  }

  test("CONTINUATION frames without end (CVE-2024-27316)", async () => {
    await victim.under(
      async () => {
        using attacker = await openHttp2(victim.port);
        await attacker.send(headers(1, fields, 0));
        const more = Buffer.concat(
          Array.from({ length: 100 }, () => frame(type.continuation, 0, 1, field("x-more", "y".repeat(100)))),
        );
        for (let i = 0; i < 500 && (await attacker.send(more)); i++);
        await attacker.closed();
      },
      { growthMb: 60 },
    );
  });

  test("empty CONTINUATION frames without end", async () => {
    await victim.under(async () => {
      using attacker = await openHttp2(victim.port);
      await attacker.send(headers(1, fields, 0));
      const more = Buffer.concat(Array.from({ length: 1000 }, () => frame(type.continuation, 0, 1)));
      for (let i = 0; i < 500 && (await attacker.send(more)); i++);
      await attacker.closed();
    });
  });

  test("a dynamic table that is refilled all the time is kept small", async () => {
    await victim.under(
      async () => {
        using attacker = await openHttp2(victim.port);
        for (let i = 0; i < 2000; i++) {
          const remembered = rememberedField(`x-${i}`, "z".repeat(3500));
          const stream = attacker.nextStream();
          const call = Buffer.concat([
            headers(stream, Buffer.concat([fields, remembered])),
            wholeCall(stream, paths.createTeam, messages.createTeam).subarray(-12),
          ]);
          if (!(await attacker.send(call))) return;
        }
      },
      { growthMb: 100 },
    );
  });
});
