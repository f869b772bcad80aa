/** What it is called when somebody looks. */
const looks = /(^|_)(viewed|seen|impression|impressions)$/;

/** All that was done with it but look, for each look; 0 when nobody looked. */
export function engagementRate(
  metrics: readonly { readonly name: string; readonly count: bigint }[],
): number {
  let [looked, done] = [0, 0];
  for (const { name, count } of metrics) {
    if (looks.test(name)) looked += Number(count);
    else done += Number(count);
  }
  return looked === 0 ? 0 : done / looked;
}
