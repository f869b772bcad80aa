import type { AnswerField } from "./answer-plan.ts";
import * as kinds from "./kinds.ts";
import { isLong } from "./wire-scalar.ts";
import type { WireScan } from "./wire-scan.ts";
import { Broken } from "./wire-scan.ts";

/** Where key and value of a map entry start; -1 for one that is not there. */
export interface Entry {
  key: number;
  value: number;
}

/** Finds the parts of an entry; false when its value comes in pieces, which someone must merge. */
export function findEntry(scan: WireScan, field: AnswerField, end: number, entry: Entry): boolean {
  const keyTag = 8 | kinds.wireTypeOf(field.mapKey);
  const valueTag = 16 | kinds.wireTypeOf(field.kind);
  entry.key = -1;
  entry.value = -1;
  while (scan.at < end) {
    const tag = scan.varint();
    if (tag === keyTag) entry.key = scan.at;
    else if (tag === valueTag) {
      if (entry.value >= 0) return false;
      entry.value = scan.at;
    }
    scan.skip(tag & 7, tag >>> 3, end);
  }
  if (scan.at !== end) throw new Broken("an entry of a map is longer than it says");
  return true;
}

const absentKeys = {
  text: Buffer.from('""'),
  long: Buffer.from('"0"'),
  bool: Buffer.from("false"),
  number: Buffer.from("0"),
};

/** The key of an entry that has none. */
export function absentKey(kind: kinds.Kind): Buffer {
  if (kind === kinds.STRING) return absentKeys.text;
  if (kind === kinds.BOOL) return absentKeys.bool;
  return isLong(kind) ? absentKeys.long : absentKeys.number;
}
