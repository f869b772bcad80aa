/**
 * Resolves when somebody wants this process to end: Ctrl-C, SIGTERM, a closed
 * terminal, or the death of a parent that opened a channel to us. A second
 * signal ends it at once.
 */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (why: string) => {
      if (asked) process.exit(130);
      asked = true;
      process.channel?.unref();
      resolve(why);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ask(signal));
    process.once("disconnect", () => resolve("parent gone"));
  });
}
