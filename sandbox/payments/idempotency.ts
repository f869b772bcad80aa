import { Bounded } from "../bounded.ts";
import type { Reply, Silence } from "../http.ts";
import { keyInUse, keyReused } from "./stripe-errors.ts";

/** Does a request once for its key, and gives the first answer again: docs.stripe.com/api/idempotent_requests. */
export interface Once {
  run(key: string, request: string, work: () => Promise<Reply | Silence>): Promise<Reply | Silence>;
  reset(): void;
}

interface Kept {
  readonly request: string;
  answer?: Reply | Silence;
}

export function createOnce(most: number): Once {
  const kept = new Bounded<Kept>(most);
  return {
    async run(key, request, work) {
      if (key === "") return work();
      const before = kept.get(key);
      if (before && before.request !== request) return keyReused(key);
      if (before) return before.answer ?? keyInUse(key);
      const entry: Kept = { request };
      kept.set(key, entry);
      const answer = await work();
      // What was refused before anything was done may be asked again.
      if (isForgotten(answer)) kept.delete(key);
      else entry.answer = answer;
      return answer;
    },
    reset: () => kept.clear(),
  };
}

const isForgotten = (answer: Reply | Silence) =>
  typeof answer === "object" ? answer.status >= 400 && answer.status !== 402 : answer === "lost";
