import type { Rpc } from "../rpc/rpc.ts";

/**
 * The instances that run in this very process, by their ids: calls to them need
 * no socket. One book for the process, since that is what it is about.
 */
const here = new Map<string, Rpc>();

/** Makes an instance known to its neighbours; gives back how to take it out. */
export function settleHere(id: string, rpc: Rpc): () => void {
  here.set(id, rpc);
  return () => {
    here.delete(id);
  };
}

export const neighbour = (id: string): Rpc | undefined => here.get(id);
