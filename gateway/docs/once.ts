/** Makes a value when it is first asked for: examples cost more than the schemas they belong to. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
