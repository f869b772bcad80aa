import type { Query } from "#mesh";
import type { Variant } from "./template-text.ts";

export interface TemplateRow {
  readonly name: string;
  readonly variants: Variant[];
  readonly builtIn: boolean;
  readonly updatedAt: Date;
}

export async function findTemplate(query: Query, name: string): Promise<TemplateRow | undefined> {
  const [row] = await query<TemplateRow[]>`select * from templates where name = ${name}`;
  return row;
}

export const listTemplates = (
  query: Query,
  after: string | undefined,
  limit: number,
): Promise<TemplateRow[]> =>
  query<TemplateRow[]>`
    select * from templates
    where true ${after === undefined ? query`` : query`and name > ${after}`}
    order by name
    limit ${limit}`;

/** Nothing when there is one of this name. */
export async function insertTemplate(
  query: Query,
  name: string,
  variants: readonly Variant[],
  now: Date,
): Promise<TemplateRow | undefined> {
  const [row] = await query<TemplateRow[]>`
    insert into templates (name, variants, updated_at) values (${name}, ${asJson(query, variants)}, ${now})
    on conflict (name) do nothing
    returning *`;
  return row;
}

/** Nothing when there is none of this name. */
export async function updateTemplate(
  query: Query,
  name: string,
  variants: readonly Variant[],
  now: Date,
): Promise<TemplateRow | undefined> {
  const [row] = await query<TemplateRow[]>`
    update templates set variants = ${asJson(query, variants)}, updated_at = ${now}
    where name = ${name}
    returning *`;
  return row;
}

export async function dropTemplate(query: Query, name: string): Promise<void> {
  await query`delete from templates where name = ${name} and not built_in`;
}

const asJson = (query: Query, variants: readonly Variant[]) =>
  query.json(variants.map(({ language, subject, text, html }) => ({ language, subject, text, html })));
