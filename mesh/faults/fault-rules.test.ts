import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { readConfig } from "../config/read.ts";
import { faultFields } from "./fault-fields.ts";
import { parseFaultRules, parseFaults } from "./fault-rules.ts";

describe("rules", () => {
  test("name methods and what befalls them", () => {
    const text =
      "order.v1.OrderService/CreateOrder=abort:unavailable:10%,delay:200ms:50%; payment.v1.*/*=abort:internal:0.5%";
    expect(parseFaultRules(text)).toEqual([
      {
        service: "order.v1.OrderService",
        method: "CreateOrder",
        faults: [
          { kind: "abort", code: Code.Unavailable, share: 0.1 },
          { kind: "delay", delayMs: 200, share: 0.5 },
        ],
      },
      {
        service: "payment.v1.*",
        method: "*",
        faults: [{ kind: "abort", code: Code.Internal, share: 0.005 }],
      },
    ]);
  });

  test("without a share are for all calls", () => {
    expect(parseFaults("delay:2s")).toEqual([{ kind: "delay", delayMs: 2000, share: 1 }]);
  });

  test.each(["", " ", ";"])("there are none in %j", (text) => {
    expect(parseFaultRules(text)).toEqual([]);
  });

  test.each([
    ["abort:unavailable", /must name a method/],
    ["order.v1.OrderService=abort:internal", /must name a method/],
    ["a/b=", /begin with abort: or delay:, and not nothing/],
    ["a/b=explode:10%", /begin with abort: or delay:, and not explode/],
    ["a/b=abort:ok:10%", /must abort with one of canceled, .*, and not ok/],
    ["a/b=abort", /must abort with one of .*, and not nothing/],
    ["a/b=delay:200:10%", /must delay by a time such as 200ms/],
    ["a/b=delay:61s", /at most 60s/],
    ["a/b=abort:internal:10", /must have shares from 0% to 100%, such as 10%, and not 10$/],
    ["a/b=abort:internal:101%", /must have shares/],
    ["a/b=abort:internal:1%:x", /this is too long/],
    [`a/b=${"delay:1ms,".repeat(8)}delay:1ms`, /more than 8 faults/],
    [`a/b=${"x".repeat(600)}`, /longer than 512/],
  ])("cannot be %s", (text, problem) => {
    expect(() => parseFaultRules(text)).toThrow(problem);
  });

  test("that are wrong are told with the name of the variable", () => {
    expect(() => readConfig(faultFields, { WEFT_FAULTS: "x" })).toThrow(/WEFT_FAULTS must name a method/);
    expect(readConfig(faultFields, {})).toEqual({ WEFT_FAULTS: [], WEFT_FAULTS_IN_PRODUCTION: false });
  });
});
