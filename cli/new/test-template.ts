import type { NewService } from "./new-service.ts";

export const testTemplate = ({
  name,
  title,
}: NewService): string => `import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ${title}Service } from "#gen/${name}/v1/${name}_pb.js";
import { newId } from "#mesh";
import type { TestHost } from "#mesh/testing/host.ts";
import { hostInMemory } from "#mesh/testing/host.ts";
import ${name} from "../../services/${name}/service.ts";

let host: TestHost;
beforeAll(async () => {
  host = await hostInMemory([${name}]);
});
afterAll(() => host.stop());

const someone = () => {
  const user = { id: newId(), email: "a@example.com", sessionId: newId(), roles: [], permissions: [] };
  return host.client(${title}Service, { caller: { user } });
};

describe("the ${name} service", () => {
  test("keeps what a user makes", async () => {
    const client = someone();
    const { item } = await client.createItem({ name: "first" });
    expect((await client.getItem({ id: item?.id ?? "" })).item).toEqual(item);
  });

  test("shows nobody the items of another", async () => {
    const { item } = await someone().createItem({ name: "mine" });
    await expect(someone().getItem({ id: item?.id ?? "" })).rejects.toThrow("you have no item with this id");
    expect((await someone().listItems({})).items).toEqual([]);
  });

  test("pages through items, newest first, each once", async () => {
    const client = someone();
    for (const name of ["a", "b", "c"]) await client.createItem({ name });
    const first = await client.listItems({ pageSize: 2 });
    const second = await client.listItems({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.items, ...second.items].map((item) => item.name)).toEqual(["c", "b", "a"]);
    expect(second.nextPageToken).toBe("");
  });

  test("turns away who is not signed in, and names that are none", async () => {
    await expect(host.client(${title}Service).listItems({})).rejects.toThrow("needs credentials");
    await expect(someone().createItem({ name: "" })).rejects.toThrow("name: ");
  });
});
`;
