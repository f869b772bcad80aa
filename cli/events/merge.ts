/** Several sequences that are in order each, as one that is. Holds one item of each, however long they are. */
export async function* merge<T>(
  sources: readonly AsyncIterable<T>[],
  before: (one: T, other: T) => boolean,
): AsyncIterable<T> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const heads = await Promise.all(iterators.map((it) => it.next()));
  for (;;) {
    let first = -1;
    heads.forEach((head, at) => {
      if (head.done) return;
      const best = heads[first];
      if (!best || best.done || before(head.value, best.value)) first = at;
    });
    const head = heads[first];
    const iterator = iterators[first];
    if (!head || head.done || !iterator) return;
    yield head.value;
    heads[first] = await iterator.next();
  }
}
