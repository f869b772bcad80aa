/** Shows what was measured to whoever asks for it. */
export function note(seen: Record<string, unknown>): void {
  if (process.env.WEFT_FAULTS_SHOW) process.stderr.write(`${JSON.stringify(seen)}\n`);
}
