import { kinds, wireLimits } from "./frame.ts";
import type { Outbox } from "./outbox.ts";

/**
 * What the client has told the server once: names of methods, tokens. Slots are
 * used in turn, so that what is not said any more makes room.
 */
export interface Vocabulary {
  /** The slots of these words; those that the server does not have are sent first. */
  slotsOf(words: readonly [string, string, string]): readonly [number, number, number];
}

export function createVocabulary(outbox: Outbox): Vocabulary {
  const slots = new Map<string, number>();
  const said: string[] = [""];
  let last = 0;

  const slotOf = (word: string): number => {
    if (word === "") return 0;
    const known = slots.get(word);
    if (known !== undefined) return known;
    last = (last % wireLimits.words) + 1;
    const old = said[last];
    if (old !== undefined) slots.delete(old);
    said[last] = word;
    slots.set(word, last);
    outbox.begin(kinds.word, 2 + 2 + word.length * 3);
    outbox.u16(last);
    outbox.text(word);
    outbox.finish();
    return last;
  };

  return {
    slotsOf([a, b, c]) {
      for (;;) {
        const [x, y, z] = [slotOf(a), slotOf(b), slotOf(c)];
        // A new word may have taken the slot of one before it.
        if (said[x] === a && said[y] === b && said[z] === c) return [x, y, z];
      }
    },
  };
}
