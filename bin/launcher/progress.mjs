const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Shows on stderr that something long goes on: a spinner for people, two plain lines for logs. */
export async function step(what, work) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const { isTTY } = process.stderr;
  let frame = 0;
  const draw = () => {
    process.stderr.write(`\r\x1b[K${frames[frame++ % frames.length]} ${what} (once), ${seconds()} s`);
  };
  const timer = isTTY ? setInterval(draw, 100) : undefined;
  if (!isTTY) console.error(`weft: ${what} (once) ...`);
  try {
    const result = await work();
    clear(timer);
    console.error(isTTY ? `✔ ${what}, ${seconds()} s` : `weft: ${what}: done in ${seconds()} s`);
    return result;
  } catch (error) {
    clear(timer);
    throw error;
  }
}

function clear(timer) {
  if (!timer) return;
  clearInterval(timer);
  process.stderr.write("\r\x1b[K");
}
