/** How many times the limits a role may do. */
const factors: Readonly<Record<string, number>> = { admin: 10, developer: 10 };

/** The multiple of the limits for someone of these roles: that of the best role, 1 for none. */
export function limitFactor(roles: readonly string[]): number {
  let best = 1;
  for (const role of roles) {
    const key = role.toLowerCase();
    const factor = Object.hasOwn(factors, key) ? (factors[key] ?? 1) : 1;
    if (factor > best) best = factor;
  }
  return best;
}
