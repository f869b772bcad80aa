import { ConnectError } from "@connectrpc/connect";

/** An error as one line for a person; the code in brackets is for programs. */
export function messageOf(error: unknown): string {
  if (error instanceof ConnectError) return error.rawMessage;
  if (error instanceof Error) {
    const { remedy } = error as { remedy?: unknown };
    const text = error.message.split("\n")[0] ?? error.name;
    return typeof remedy === "string" && !text.includes(remedy) ? `${text}; ${remedy}` : text;
  }
  return String(error);
}
