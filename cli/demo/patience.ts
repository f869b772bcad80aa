import { Code, ConnectError } from "@connectrpc/connect";

/** How long an order may take to be paid, or to be called off, or news to be out. */
const patienceMs = 20_000;

/** Waits for it, in patience; what is not so by then is shown as it is. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds()) && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Does it again while the platform says that it cannot just now; only for what may be done twice. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Unavailable || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
