/**
 * What one of several replicas may admit by itself. The shares of all make up
 * the limit exactly: what is left of the division goes to as many replicas,
 * chosen by the key, so that no replica is the favoured one of all keys.
 */
export function shareOf(limit: number, replicas: number, rank: number, spread: number): number {
  if (replicas === 1) return limit;
  const rest = limit % replicas;
  return (limit - rest) / replicas + ((spread + rank) % replicas < rest ? 1 : 0);
}
