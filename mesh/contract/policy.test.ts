import { expect, test } from "vitest";
import { testContract } from "../testing/contract.ts";
import { compilePolicies, defaultTimeoutMs, openPolicies } from "./policy.ts";

const open = { access: { public: true } };

test("a method without an access rule does not start", () => {
  const contract = testContract({ service: "probe", methods: { Open: { options: open }, Forgotten: {} } });
  expect(() => compilePolicies("probe", [contract])).toThrow(/ProbeService\/Forgotten has no access rule/);
});

test("all problems are told at once", () => {
  const contract = testContract({
    service: "other",
    methods: {
      Forgotten: {},
      Empty: { options: { access: {} } },
      Both: { options: { access: { public: true, signedIn: true } } },
      Never: { options: { ...open, timeout: "0s" } },
      Endless: { options: { ...open, timeout: "3000000s" } },
    },
  });
  let message = "";
  try {
    compilePolicies("probe", [contract]);
  } catch (error) {
    message = String(error);
  }
  for (const part of [
    'probe.v1.ProbeService belongs to "other"',
    "Forgotten has no access rule",
    "Empty has an empty access rule",
    "Both is public and restricted",
    "Never has a timeout",
    "Endless has a timeout",
    "npm run generate",
  ]) {
    expect(message).toContain(part);
  }
});

test("the contract of another process is refused, and one that names none", () => {
  const methods = { Open: { options: open } };
  expect(() => compilePolicies("probe", [testContract({ service: "order", methods })])).toThrow(
    /belongs to "order"/,
  );
  expect(() => compilePolicies("probe", [testContract({ methods })])).toThrow(/does not say which process/);
});

test("a method has the timeout of its contract, else the usual one", () => {
  const contract = testContract({
    service: "probe",
    methods: { Quick: { options: { ...open, timeout: "0.250s" } }, Usual: { options: open } },
  });
  const policies = [...compilePolicies("probe", [contract]).values()];
  expect(policies.map(({ timeoutMs }) => timeoutMs)).toEqual([250, defaultTimeoutMs]);
});

test("only streams that may outlast an ordinary call are not waited for", () => {
  const contract = testContract({
    service: "probe",
    methods: {
      Answer: { options: { ...open, timeout: "600s" } },
      Upload: { options: { ...open, timeout: "600s" }, input: "stream" },
      Generate: { options: open, output: "stream" },
      Follow: { options: { ...open, timeout: "600s" }, output: "stream" },
    },
  });
  const lasting = [...compilePolicies("probe", [contract]).values()].filter((it) => it.lasting);
  expect(lasting.map(({ name }) => name)).toEqual(["probe.v1.ProbeService/Follow"]);
  expect([...openPolicies([{ contract }]).values()].filter((it) => it.lasting)).toHaveLength(2);
});
