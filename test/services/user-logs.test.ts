import { expect, test } from "vitest";
import { createUserWorld, failure, goodPassword } from "./user-world.ts";

test("no log line holds an address, a password, a name or a token, whatever fails", async () => {
  const lines: string[] = [];
  const world = await createUserWorld({ logs: { write: (line) => lines.push(line) } });
  const secrets = [
    "secretive",
    goodPassword,
    "not this one",
    "nine green wool coats",
    "Ama Serwaa",
    "7fff:1234",
  ];
  {
    await using _ = world;
    const address = "2001:db8:7fff:1234::1";
    const person = await world.register("secretive@example.com", { address });
    secrets.push(person.session.accessToken, person.session.refreshToken);
    await failure(world.register("secretive@example.com"));
    await failure(
      world.auth({ address }).login({ email: "secretive@example.com", password: "not this one" }),
    );
    await world.auth().refresh({ refreshToken: person.session.refreshToken });
    await failure(world.auth().refresh({ refreshToken: person.session.refreshToken }));
    for (const method of ["openSession", "recordAudit", "reportSignIn", "closeUserSessions"])
      world.faults.add(method);
    await failure(world.login("secretive@example.com"));
    await failure(
      world
        .authAs(person)
        .changePassword({ currentPassword: goodPassword, newPassword: "nine green wool coats" }),
    );
    // Something that nobody thought of.
    await world.sql`alter table accounts rename column bio to about`;
    await failure(world.users(person).getProfile({}));
    await failure(world.register("secretive.too@example.com"));
  }
  expect(lines.length).toBeGreaterThan(20);
  expect(lines.join("")).toMatch(/report failed/);
  for (const secret of secrets) expect(lines.filter((line) => line.includes(secret))).toEqual([]);
});
