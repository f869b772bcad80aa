import { Unavailable } from "./provider.ts";

export interface FormAnswer {
  readonly status: number;
  readonly text: string;
  /** What it says as JSON; nothing when it is none. */
  readonly json: unknown;
}

interface FormPost {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly form: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const mostBytes = 64 * 1024;

/** Posts a form; who does not answer, or without end, is not there. */
export async function postForm({ url, headers, form, timeoutMs, signal }: FormPost): Promise<FormAnswer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { accept: "application/json", ...headers },
      body: new URLSearchParams(form),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await readBounded(response);
    return { status: response.status, text, json: parse(text) };
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    const { name, cause } = error as Error & { cause?: { code?: string } };
    throw new Unavailable(cause?.code ?? name);
  }
}

async function readBounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw new Unavailable("its answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Proxies in between answer with pages.
    return undefined;
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const textIn = (value: unknown, name: string): string => {
  const found = isObject(value) ? value[name] : undefined;
  return typeof found === "string" || typeof found === "number" ? String(found) : "";
};
