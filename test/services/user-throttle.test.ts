import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import { createUserWorld, eventually, failure, goodPassword, type UserWorld } from "./user-world.ts";

let world: UserWorld;
beforeAll(async () => {
  world = await createUserWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const minuteMs = 60_000;
let networks = 0;
/** A network that nobody used before. */
const elsewhere = () => {
  const n = ++networks;
  return `100.64.${n >> 8}.${n & 255}`;
};
const guess = (email: string, address: string) =>
  failure(world.auth({ address }).login({ email, password: "a wrong guess" }));
const guessTimes = async (times: number, email: string, address = elsewhere()) => {
  const reasons: string[] = [];
  for (let i = 0; i < times; i++) reasons.push((await guess(email, address)).reason);
  return reasons;
};
const waitOf = (error: ConnectError) => durationMs(error.findDetails(RetryInfoSchema)[0]!.retryDelay!);
const failed = (reason: string, times: number) => Array<string>(times).fill(reason);

test("the sixth guess at an account waits, the next ones longer and longer", async () => {
  const { email } = await world.somebody("sixth");
  expect(await guessTimes(5, email)).toEqual(failed("bad_credentials", 5));
  const waits: number[] = [];
  for (let i = 0; i < 12; i++) {
    const error = await guess(email, elsewhere());
    expect(error).toMatchObject({ reason: "throttled", code: Code.ResourceExhausted });
    waits.push(waitOf(error));
    world.clock.pass(waitOf(error));
    expect((await guess(email, elsewhere())).reason).toBe("bad_credentials");
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900].map((s) => s * 1000));
});

test("a wait is kept by the right password too, and over by the time it says", async () => {
  const { email } = await world.somebody("kept");
  await guessTimes(5, email);
  const away = elsewhere();
  const error = await failure(world.login(email, { address: away }));
  expect(error.reason).toBe("throttled");
  world.clock.pass(waitOf(error) - 1);
  expect((await failure(world.login(email, { address: away }))).reason).toBe("throttled");
  world.clock.pass(1);
  await world.login(email, { address: away });
});

test("knocking while one must wait makes the wait no longer", async () => {
  const { email } = await world.somebody("knock");
  await guessTimes(5, email);
  await guessTimes(50, email);
  expect(waitOf(await guess(email, elsewhere()))).toBe(1000);
});

test("a success resets the account's count", async () => {
  const { email } = await world.somebody("reset");
  await guessTimes(4, email);
  await world.login(email, { address: elsewhere() });
  expect(await guessTimes(5, email)).toEqual(failed("bad_credentials", 5));
});

test("an account that does not exist is slowed letter for letter like one that does", async () => {
  const { email } = await world.somebody("exists");
  const answers = async (address: string) => {
    const said: string[] = [];
    for (let i = 0; i < 9; i++) {
      const error = await guess(address, elsewhere());
      const wait = error.reason === "throttled" ? waitOf(error) : 0;
      said.push(`${error.code} ${error.reason} ${error.rawMessage} ${wait}`);
      if (i % 2) world.clock.pass(wait);
    }
    return said;
  };
  const known = await answers(email);
  expect(known.some((it) => it.includes("throttled"))).toBe(true);
  expect(await answers("never.registered@example.com")).toEqual(known);
});

test("guesses sent all at once are counted all the same", async () => {
  const { email } = await world.somebody("burst");
  const reasons = await Promise.all(
    Array.from({ length: 30 }, async () => (await guess(email, elsewhere())).reason),
  );
  expect(reasons.sort()).toEqual([...failed("bad_credentials", 5), ...failed("throttled", 25)]);
});

test("strangers who fail on purpose do not keep the owner out of where he usually is", async () => {
  const home = elsewhere();
  const person = await world.register("victim@example.com", { address: home });
  for (let i = 0; i < 20; i++) {
    const error = await guess(person.email, elsewhere());
    if (error.reason === "throttled") world.clock.pass(waitOf(error));
  }
  await guessTimes(5, person.email);
  expect((await guess(person.email, elsewhere())).reason).toBe("throttled");
  await world.login(person.email, { address: home });
});

test("where the owner usually is, guesses are counted too", async () => {
  const home = elsewhere();
  await world.register("homely@example.com", { address: home });
  expect(await guessTimes(7, "homely@example.com", home)).toEqual([
    ...failed("bad_credentials", 5),
    ...failed("throttled", 2),
  ]);
});

test("a network that was not signed in from for long is a stranger's again", async () => {
  const home = elsewhere();
  await world.register("moved@example.com", { address: home });
  world.clock.pass(91 * 24 * 60 * minuteMs);
  await guessTimes(5, "moved@example.com");
  expect((await failure(world.login("moved@example.com", { address: home }))).reason).toBe("throttled");
});

test("one password at many accounts is slowed by the network it comes from, which a success does not reset", async () => {
  const address = elsewhere();
  const person = await world.register("own@example.com", { address });
  for (let i = 0; i < 29; i++)
    expect((await guess(`spray${i}@example.com`, address)).reason).toBe("bad_credentials");
  await world.login(person.email, { address });
  expect((await guess("spray29@example.com", address)).reason).toBe("bad_credentials");
  expect((await guess("spray30@example.com", address)).reason).toBe("throttled");
  const visitor = await world.somebody("visitor");
  expect((await failure(world.login(visitor.email, { address }))).reason).toBe("throttled");
  expect((await guess("spray31@example.com", elsewhere())).reason).toBe("bad_credentials");
});

test("what a neighbour guesses keeps nobody out of a network he signed in from before", async () => {
  const address = elsewhere();
  const { email } = await world.register("neighbour@example.com", { address });
  for (let i = 0; i < 30; i++) await guess(`aimless${i}@example.com`, address);
  expect((await guess("aimless30@example.com", address)).reason).toBe("throttled");
  await world.login(email, { address });
  expect((await guess(email, address)).reason).toBe("bad_credentials");
});

test("guesses from one network sent all at once are counted all the same, and none lengthens the wait", async () => {
  const address = elsewhere();
  const reasons = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => (await guess(`flood${i}@example.com`, address)).reason),
  );
  expect(reasons.sort()).toEqual([...failed("bad_credentials", 30), ...failed("throttled", 30)]);
  expect(waitOf(await guess("flood60@example.com", address))).toBe(1000);
});

test("a network never waits longer than a minute", async () => {
  const address = elsewhere();
  for (let i = 0; i < 30; i++) await guess(`slow${i}@example.com`, address);
  const waits: number[] = [];
  for (let i = 0; i < 9; i++) {
    const wait = waitOf(await guess(`slower${i}@example.com`, address));
    waits.push(wait);
    world.clock.pass(wait);
    await guess(`slowest${i}@example.com`, address);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1000));
});

test("many who sign in at once from a network that is new to them are not taken for guessers", async () => {
  const address = elsewhere();
  const people = [];
  for (let i = 0; i < 4; i++) people.push(await world.somebody("office"));
  for (let round = 0; round < 10; round++) {
    await world.sql`delete from known_places`;
    await Promise.all(people.map(({ email }) => world.login(email, { address })));
  }
  expect((await guess("first.guess@example.com", address)).reason).toBe("bad_credentials");
});

test("all addresses of an IPv6 network are one", async () => {
  for (let i = 0; i < 30; i++) await guess(`six${i}@example.com`, `2001:db8:7:7::${i.toString(16)}`);
  expect((await guess("six30@example.com", "2001:db8:7:7:ffff::1")).reason).toBe("throttled");
  expect((await guess("six30@example.com", "2001:db8:7:8::1")).reason).toBe("bad_credentials");
});

test("asking whether addresses are taken, by registering, is slowed by network", async () => {
  const { email } = await world.somebody("taken");
  const address = elsewhere();
  const ask = (wanted: string) =>
    world.auth({ address }).register({ email: wanted, password: goodPassword, displayName: "Spy" });
  for (let i = 0; i < 30; i++) expect((await failure(ask(email))).reason).toBe("email_taken");
  expect((await failure(ask(email))).reason).toBe("throttled");
  expect((await failure(ask("free@example.com"))).reason).toBe("throttled");
  world.clock.pass(1000);
  await ask("free@example.com");
});

test("from one network 20 people register in 10 minutes, and the next is told when", async () => {
  const address = elsewhere();
  for (let i = 0; i < 20; i++) await world.register(`class${i}@example.com`, { address });
  const error = await failure(world.register("class20@example.com", { address }));
  expect(error).toMatchObject({ reason: "throttled", code: Code.ResourceExhausted });
  expect(waitOf(error)).toBe(10 * minuteMs);
  await world.register("class20@example.com", { address: elsewhere() });
  world.clock.pass(10 * minuteMs);
  await world.register("class21@example.com", { address });
});

test("registrations sent all at once make no more accounts, and none of them counts as a failure", async () => {
  const address = elsewhere();
  const ends = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      world.register(`crowd${i}@example.com`, { address }).then(
        () => "made",
        ({ code }: ConnectError) => Code[code],
      ),
    ),
  );
  expect(ends.sort()).toEqual([...failed("ResourceExhausted", 20), ...failed("made", 20)]);
  world.clock.pass(10 * minuteMs);
  await world.register("latecomer@example.com", { address });
  const [refused] = await world.sql`
    select failures from sign_in_failures where scope = 'registration' order by last_at desc limit 1`;
  expect(refused?.failures).toBe(0);
});

test("a registration that makes no account takes no place of one that does", async () => {
  const { email } = await world.somebody("sitting");
  const address = elsewhere();
  const again = { email, password: goodPassword, displayName: "Ama" };
  for (let i = 0; i < 21; i++)
    expect((await failure(world.auth({ address }).register(again))).reason).toBe("email_taken");
  await world.register("standing@example.com", { address });
});

test("what is counted holds for every replica and names nobody", async () => {
  const { email } = await world.somebody("replica");
  const address = elsewhere();
  await guessTimes(5, email, address);
  const rows = await world.sql`select * from sign_in_failures`;
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toContain(email);
  expect(JSON.stringify(rows)).not.toContain(address);
});

test("old counts are dropped", async () => {
  await using short = await createUserWorld({ env: { USER_SWEEP_INTERVAL: "20ms" } });
  await failure(short.login("nobody@example.com"));
  expect(await short.sql`select 1 from sign_in_failures`).toHaveLength(2);
  short.clock.pass(4 * 60 * minuteMs);
  await eventually(async () => (await short.sql`select 1 from sign_in_failures`).length).toBe(0);
});
