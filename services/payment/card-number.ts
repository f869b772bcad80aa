import { cardNumberRefused } from "./refusals.ts";

/** Digits in a row, or in groups as they stand on a card. */
const digitRuns = /\d+(?:[ ._-]\d+)*/g;
const [shortest, longest] = [13, 19];

/** Whether a text holds what may be the number of a card: 13 to 19 digits with a right check digit. */
export function holdsCardNumber(text: string, fewest = shortest): boolean {
  return [...text.matchAll(digitRuns)].some(([run]) =>
    candidatesOf(run.split(/[ ._-]/)).some(
      (it) => it.length >= fewest && it.length <= longest && passesLuhn(it),
    ),
  );
}

/**
 * What stands between two gaps of a run. Within a group that is not too long for
 * a card nothing is looked for: one in ten of any digits has a right check digit.
 */
function candidatesOf(groups: readonly string[]): string[] {
  const found: string[] = [];
  for (const [from, first] of groups.entries()) {
    if (first.length > longest) found.push(...windowsOf(first));
    let joined = "";
    for (const group of groups.slice(from)) {
      joined += group;
      if (joined.length > longest) break;
      found.push(joined);
    }
  }
  return found;
}

function* windowsOf(digits: string): Generator<string> {
  for (let length = shortest; length <= longest; length++) {
    for (let from = 0; from + length <= digits.length; from++) yield digits.slice(from, from + length);
  }
}

/** ISO/IEC 7812-1, annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = Number(digits[digits.length - 1 - at]);
    const weighed = at % 2 === 1 ? digit * 2 : digit;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}

/** The number of a card must not come to rest anywhere here, not even in a note. */
export function refuseCardNumbers(...texts: readonly string[]): void {
  if (texts.some((text) => holdsCardNumber(text))) throw cardNumberRefused();
}
