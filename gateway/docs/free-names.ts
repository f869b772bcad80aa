/** Gives names that nobody has: `name`, `name_2`, `name_3`, … */
export function createFreeNames(taken: Iterable<string>): (wanted: string) => string {
  const used = new Set(taken);
  const counts = new Map<string, number>();
  return (wanted) => {
    let count = counts.get(wanted) ?? 1;
    let name = count === 1 ? wanted : `${wanted}_${count}`;
    while (used.has(name)) name = `${wanted}_${++count}`;
    counts.set(wanted, count);
    used.add(name);
    return name;
  };
}
