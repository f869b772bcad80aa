/** Where files of reports are. Another place can take this one's without a word to who writes them. */
export interface FileSink {
  /** Begins a file anew for this attempt, behind which no other can add to it. */
  open(fileId: string, writer: string): FileWriter;
  /** Its bytes, some at a time. */
  read(fileId: string): AsyncIterable<Uint8Array>;
}

export interface FileWriter {
  /** What was written, or is about to be. */
  readonly bytes: number;
  /** Throws once another attempt writes the file. */
  write(text: string, lines: number): Promise<void>;
  /** Writes what is left. */
  end(lines: number): Promise<void>;
}
