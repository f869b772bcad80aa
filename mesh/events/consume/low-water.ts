/** Where something stands in a stream. */
export interface Place {
  readonly sequence: number;
  readonly id: string;
}

/** Keeps track of how far everything is done, though things are done out of order. */
export interface LowWater {
  begin(place: Place): void;
  done(sequence: number): void;
  /** The last place up to which all is done. */
  readonly place: Place | undefined;
  /** Begun and not done. */
  readonly unfinished: number;
  /** The same, and those done that have such a one before them. */
  readonly held: number;
}

export function createLowWater(): LowWater {
  // In the order of the stream; as Map keeps the order in which keys came.
  const open = new Map<number, Place>();
  const finished = new Set<number>();
  let place: Place | undefined;
  return {
    begin: (at) => void open.set(at.sequence, at),
    done(sequence) {
      finished.add(sequence);
      for (const [at, it] of open) {
        if (!finished.delete(at)) break;
        open.delete(at);
        place = it;
      }
    },
    get place() {
      return place;
    },
    get unfinished() {
      return open.size - finished.size;
    },
    get held() {
      return open.size;
    },
  };
}
