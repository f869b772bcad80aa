import type { Query } from "#mesh";

/** Notes an assertion as used; false when it was used before, here or at any other instance. */
export async function useAssertion(
  query: Query,
  service: string,
  jti: string,
  until: Date,
): Promise<boolean> {
  const rows = await query`
    insert into used_assertions (service, jti, expires_at) values (${service}, ${jti}, ${until})
    on conflict do nothing returning 1 as used`;
  return rows.length > 0;
}
