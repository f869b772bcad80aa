/** Says on standard error what goes on. */
export interface Progress {
  /** Something begins that takes a while. */
  stage(text: string): void;
  /** A step of it; shown only on a terminal, where the line changes. */
  step(text: string): void;
  done(): void;
}

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const live = stream.isTTY === true;
  let current = "";
  const clear = () => void (live && stream.write("\r\u001b[K"));
  return {
    stage(text) {
      current = text;
      clear();
      stream.write(live ? text : `${text}\n`);
    },
    step(text) {
      if (!live) return;
      clear();
      stream.write(`${current}: ${text}`);
    },
    done: clear,
  };
}
