/**
 * What comes until the end, which is waited for no longer than this after the
 * signal: the client's iterators do not always end when they are told to while
 * they reconnect.
 */
export async function* untilLate<T>(
  source: AsyncIterable<T>,
  ending: AbortSignal,
  patienceMs: number,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const late = Promise.withResolvers<{ done: true; value: undefined }>();
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    timer = setTimeout(() => late.resolve({ done: true, value: undefined }), patienceMs);
  };
  if (ending.aborted) wait();
  else ending.addEventListener("abort", wait, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), late.promise]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    ending.removeEventListener("abort", wait);
  }
}
