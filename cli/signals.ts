/** So soon after the first one, another signal is the same wish. */
const sameWishMs = 1000;

/**
 * What each further signal means. One Ctrl-C reaches this process more than
 * once: from the terminal, and from those that stand in for it (npm, the
 * launcher) and pass on what they got as well. Only a later one is from a person
 * who will not wait.
 */
export function createWishes(now: () => number): () => "end" | "the same" | "at once" {
  let askedMs: number | undefined;
  return () => {
    if (askedMs !== undefined) return now() - askedMs < sameWishMs ? "the same" : "at once";
    askedMs = now();
    return "end";
  };
}

/**
 * Resolves when somebody wants this process to end: Ctrl-C, SIGTERM, a closed
 * terminal, or the death of a parent that opened a channel to us. A second
 * signal, a moment later, ends it at once.
 */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    const wish = createWishes(() => performance.now());
    const ask = (why: string) => {
      if (wish() === "at once") process.exit(130);
      process.channel?.unref();
      resolve(why);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ask(signal));
    process.once("disconnect", () => resolve("parent gone"));
  });
}
