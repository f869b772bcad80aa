/**
 * Where an answer in JSON differs from what was expected, or nothing. As JSON of
 * protobuf goes, an int64 may be a string, and a field that is empty may be left out.
 */
export function difference(expected: unknown, actual: unknown, path = "answer"): string | undefined {
  if (Array.isArray(expected)) {
    if (expected.length === 0 && actual === undefined) return undefined;
    if (!Array.isArray(actual)) return `${path} is not a list`;
    if (actual.length !== expected.length) return `${path} has ${actual.length}, not ${expected.length}`;
    return first(expected.map((value, index) => difference(value, actual[index], `${path}[${index}]`)));
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null) return `${path} is ${JSON.stringify(actual)}`;
    const fields = actual as Readonly<Record<string, unknown>>;
    const stranger = Object.keys(fields).find((key) => !Object.hasOwn(expected, key));
    if (stranger !== undefined) return `${path}.${stranger} was not expected`;
    return first(
      Object.entries(expected).map(([key, value]) => difference(value, fields[key], `${path}.${key}`)),
    );
  }
  const same =
    expected === actual ||
    (actual === undefined && isEmpty(expected)) ||
    (Number.isSafeInteger(expected) && actual === String(expected));
  return same ? undefined : `${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
}

const isEmpty = (value: unknown) => value === false || value === 0 || value === "";

const first = (found: readonly (string | undefined)[]) => found.find((it) => it !== undefined);
