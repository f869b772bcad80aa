/** Places for jobs of one type. */
export interface Room {
  readonly type: string;
  readonly places: number;
}

/** What a worker could do, and whether it is worth while to ask for it. */
export interface Appetite {
  /** Free places of each type that has any. */
  rooms(): Room[];
  /** Whether there is probably something for a place that is free. */
  isEager(): boolean;
  /** Something of these types became due. */
  heard(types: Iterable<string>): void;
  /** These rooms are offered now: what was heard before is answered by what comes. */
  offered(rooms: readonly Room[]): void;
  /** What came for them, and whether more is due than could be given. */
  got(rooms: readonly Room[], types: readonly string[], more: boolean): void;
  taken(type: string): void;
  freed(type: string): void;
}

interface Kind {
  readonly places: number;
  busy: number;
  /** It was given all that it asked for, so there may be more. */
  hungry: boolean;
  heard: boolean;
}

export function createAppetite(places: ReadonlyMap<string, number>): Appetite {
  const kinds = new Map<string, Kind>();
  for (const [type, count] of places) {
    kinds.set(type, { places: count, busy: 0, hungry: false, heard: false });
  }
  const change = (type: string, by: number) => {
    const kind = kinds.get(type);
    if (kind) kind.busy += by;
  };
  return {
    rooms: () =>
      [...kinds]
        .filter(([, kind]) => kind.busy < kind.places)
        .map(([type, kind]) => ({ type, places: kind.places - kind.busy })),
    isEager: () => [...kinds.values()].some((kind) => kind.busy < kind.places && (kind.hungry || kind.heard)),
    heard(types) {
      for (const type of types) {
        const kind = kinds.get(type);
        if (kind) kind.heard = true;
      }
    },
    offered(rooms) {
      for (const { type } of rooms) {
        const kind = kinds.get(type);
        if (kind) kind.heard = false;
      }
    },
    got(rooms, types, more) {
      for (const room of rooms) {
        const kind = kinds.get(room.type);
        const count = types.filter((it) => it === room.type).length;
        // An answer without any job ends the asking, whatever it says: it would be the same at once.
        if (kind) kind.hungry = count >= room.places || (more && types.length > 0);
      }
    },
    taken: (type) => change(type, 1),
    freed: (type) => change(type, -1),
  };
}
