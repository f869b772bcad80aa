/** Crockford's base 32: without I, L, O and U, which are taken for others, or make words. */
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** What people call an order, such as `W-7K3M-9QXD`. One of 10¹²; whether it is taken the database knows. */
export function orderNumber(random: () => number): string {
  const four = () =>
    Array.from({ length: 4 }, () => letters[Math.floor(random() * letters.length)] ?? "0").join("");
  return `W-${four()}-${four()}`;
}
