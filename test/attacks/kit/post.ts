import { request as http1Request } from "node:http";
import { connect } from "node:http2";
import { within } from "./until.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

export interface Post {
  version: 1 | 2;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

const patienceMs = 20_000;

/** One call by Node's own client, with any body; an error when no whole answer comes. */
export function post(port: number, call: Post): Promise<Answer> {
  const answer = call.version === 1 ? overHttp1(port, call) : overHttp2(port, call);
  return within(patienceMs, `an answer from ${call.path}`, answer);
}

function overHttp1(port: number, { path, headers, body }: Post): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http1Request(
      { host: "127.0.0.1", port, path, method: "POST", headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            trailers: response.trailers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function overHttp2(port: number, { path, headers, body }: Post): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    let status = 0;
    let answered: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    const chunks: Buffer[] = [];
    stream.on("response", (fields) => {
      status = fields[":status"] ?? 0;
      answered = fields;
    });
    stream.on("trailers", (fields) => {
      trailers = fields;
    });
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      resolve({ status, headers: answered, trailers, body: Buffer.concat(chunks) });
      session.destroy();
    });
    stream.on("close", () => reject(new Error(`no answer: ${stream.rstCode}`)));
    // What the server no longer wants is no error of this test.
    stream.end(body, () => {});
  });
}

/** What the answer says went wrong, in the protocol of the question: a Connect code name or a gRPC number. */
export function codeOf({ status, headers, trailers, body }: Answer): string {
  const grpc = trailers["grpc-status"] ?? headers["grpc-status"];
  if (grpc !== undefined) return `grpc ${grpc}`;
  const text = body.toString("latin1");
  const trailer = /grpc-status: ?(\d+)/.exec(text)?.[1];
  if (trailer !== undefined) return `grpc ${trailer}`;
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  return code === undefined ? `http ${status}` : code;
}
