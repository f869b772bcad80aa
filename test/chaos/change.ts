/** A change as its event tells of it, in `fields` of user.v1.UserUpdated. */
export interface Change {
  readonly op: string;
  readonly aggregate: string;
  readonly version: number;
  readonly isPoisoned: boolean;
}

export const fieldsOf = ({ op, version, isPoisoned }: Omit<Change, "aggregate">): string[] => [
  op,
  String(version),
  isPoisoned ? "poisoned" : "well",
];

export function changeOf({ userId, fields }: { userId: string; fields: readonly string[] }): Change {
  const [op = "", version = "", state = ""] = fields;
  return { op, aggregate: userId, version: Number(version), isPoisoned: state === "poisoned" };
}
