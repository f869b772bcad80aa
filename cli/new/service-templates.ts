import type { NewService } from "./new-service.ts";

export const serviceTemplate = ({
  name,
  title,
}: NewService): string => `import { ${title}Service } from "#gen/${name}/v1/${name}_pb.js";
import { defineService, handlers } from "#mesh";
import { items } from "./items.ts";

export default defineService({
  name: "${name}",
  contracts: [${title}Service],
  database: { migrations: new URL("./migrations/", import.meta.url) },
  setup: ({ db }) => ({ rpc: [handlers(${title}Service, items({ db }))] }),
});
`;

export const handlersTemplate = ({
  name,
  title,
}: NewService): string => `import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ${title}Service } from "#gen/${name}/v1/${name}_pb.js";
import type { Database, Handlers } from "#mesh";
import { decodePage, fail, newId, paged, pagePart, pageSize, requireUser } from "#mesh";
import type { ItemRow } from "./items-store.ts";
import * as store from "./items-store.ts";

export function items({ db }: { db: Database }): Handlers<typeof ${title}Service> {
  return {
    async createItem({ name }, call) {
      const owner = requireUser(call);
      const row = await store.insertItem(db.sql, { id: newId(), ownerId: owner.id, name });
      call.log.info({ item: row.id }, "item created");
      return { item: toItem(row) };
    },

    async getItem({ id }, call) {
      const row = await store.findItem(db.sql, id, requireUser(call).id);
      // Somebody else's item is as good as none: ids cannot be probed.
      if (!row) throw fail.notFound("no_item", "you have no item with this id");
      return { item: toItem(row) };
    },

    async listItems({ pageSize: wanted, pageToken }, call) {
      const size = pageSize(wanted);
      const [after] = decodePage(pageToken, [pagePart.uuid]) ?? [];
      const rows = await store.itemsOf(db.sql, requireUser(call).id, after, size + 1);
      const page = paged(rows, size, ({ id }) => [id]);
      return { items: page.rows.map(toItem), nextPageToken: page.nextPageToken };
    },
  };
}

const toItem = ({ id, name, createdAt }: ItemRow) => ({
  id,
  name,
  createdAt: timestampFromDate(createdAt),
});
`;

export const storeTemplate = (): string => `import type { Query } from "#mesh";
import { only } from "#mesh";

export interface ItemRow {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly createdAt: Date;
}

export async function insertItem(sql: Query, item: Omit<ItemRow, "createdAt">): Promise<ItemRow> {
  return only(
    await sql<ItemRow[]>\`
      insert into items (id, owner_id, name)
      values (\${item.id}, \${item.ownerId}, \${item.name})
      returning *\`,
  );
}

export async function findItem(sql: Query, id: string, ownerId: string): Promise<ItemRow | undefined> {
  const [row] = await sql<ItemRow[]>\`
    select * from items where id = \${id} and owner_id = \${ownerId}\`;
  return row;
}

/** Newest first: ids are UUIDv7 and sort by the time of creation. */
export async function itemsOf(
  sql: Query,
  ownerId: string,
  after: string | undefined,
  limit: number,
): Promise<readonly ItemRow[]> {
  return sql<ItemRow[]>\`
    select * from items
    where owner_id = \${ownerId} and (\${after ?? null}::uuid is null or id < \${after ?? null}::uuid)
    order by id desc
    limit \${limit}\`;
}
`;

export const migrationTemplate = (): string => `create table items (
  id uuid primary key,
  owner_id uuid not null,
  name text not null,
  created_at timestamptz not null default now()
);

create index items_by_owner on items (owner_id, id desc);
`;
