/** How long an order may take to be paid, or to be called off, or news to be out. */
const patienceMs = 20_000;

/** Waits for it, in patience; what is not so by then is shown as it is. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds()) && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
