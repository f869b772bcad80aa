/** Longest name that the file systems in use take. */
const longest = 255;

/** Separators of paths, control characters, and what turns the reading direction around. */
const unsafe = /[\\/\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** The name that a client gives a file, as a name and nothing else. */
export function safeFileName(name: string): string {
  const plain = name.replace(unsafe, "").trim();
  return plain === "." || plain === ".." ? "" : plain.slice(0, longest).toWellFormed();
}
