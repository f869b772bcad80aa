import { connect } from "node:http2";

export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** One request over HTTP/2 without TLS, which Node's fetch does not speak. */
export async function requestH2(
  url: string,
  {
    method = "POST",
    headers = {},
    body,
  }: { method?: string; headers?: object; body?: Uint8Array | string } = {},
): Promise<Http2Answer> {
  const { origin, pathname, search } = new URL(url);
  const session = connect(origin);
  try {
    return await new Promise<Http2Answer>((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ":method": method, ":path": pathname + search, ...headers });
      let answer: Record<string, string> = {};
      let trailers: Record<string, string> = {};
      const chunks: Buffer[] = [];
      stream.on("response", (it) => {
        answer = it as Record<string, string>;
      });
      stream.on("trailers", (it) => {
        trailers = it as Record<string, string>;
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () =>
        resolve({
          status: Number(answer[":status"]),
          headers: answer,
          trailers,
          body: Buffer.concat(chunks),
        }),
      );
      stream.end(body);
    });
  } finally {
    session.close();
  }
}
