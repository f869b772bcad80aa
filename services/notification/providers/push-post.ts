import { lookup } from "node:dns";
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { request as plainly } from "node:http";
import { request as securely } from "node:https";
import type { LookupFunction } from "node:net";
import { Unavailable } from "./provider.ts";
import { isPublicAddress } from "./public-address.ts";
import type { PushServices } from "./push-services.ts";

export interface PushRequest {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
}

export interface PushAnswer {
  readonly status: number;
  readonly text: string;
}

/** Takes an encrypted message to a push service. */
export type PostPush = (request: PushRequest, signal: AbortSignal) => Promise<PushAnswer>;

const mostChars = 500;

/** A name may lead to another address each time it is looked up, so it is judged at the connection. */
const lookupPublic: LookupFunction = (hostname, options, done) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return done(error, "", 0);
    const found = addresses.filter(({ address }) => isPublicAddress(address));
    const [first] = found;
    if (!first) return done(new Error("its name leads to no host on the internet"), "", 0);
    if (options.all) done(null, found);
    else done(null, first.address, first.family);
  });
};

export const createPostPush =
  (services: PushServices, timeoutMs: number): PostPush =>
  ({ endpoint, headers, body }, signal) =>
    new Promise((done, failed) => {
      const url = new URL(endpoint);
      if (!services.mayTake(url)) {
        failed(new Unavailable("the endpoint is none on the internet"));
        return;
      }
      const ends = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const posting = open(
        url,
        {
          method: "POST",
          headers,
          signal: ends,
          agent: false,
          ...(!services.isOwn(url) && { lookup: lookupPublic }),
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            if (text.length < mostChars) text += chunk.slice(0, mostChars);
          });
          response.on("end", () => done({ status: response.statusCode ?? 0, text }));
          response.on("error", (error) => failed(new Unavailable(error.message)));
        },
      );
      posting.on("error", (error) => failed(new Unavailable(error.message)));
      posting.end(body);
    });

const open = (
  url: URL,
  options: RequestOptions,
  answered: (response: IncomingMessage) => void,
): ClientRequest => (url.protocol === "http:" ? plainly : securely)(url, options, answered);
