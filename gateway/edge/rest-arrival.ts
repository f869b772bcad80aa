import type { Arrival } from "#mesh/rpc/intake.ts";
import type { CallIds } from "#mesh/rpc/record.ts";
import type { NodeServerRequest } from "#mesh/server/node.ts";
import type { Decision } from "../limits/decision.ts";

/** A request by HTTP and JSON, as the intake takes calls. */
export class RestArrival implements Arrival {
  readonly timeoutMs = undefined;
  /** Where the caller stands with its limits, once that is known. */
  decision: Decision | undefined = undefined;
  private readonly request: NodeServerRequest;
  readonly ids: CallIds;

  constructor(request: NodeServerRequest, ids: CallIds) {
    this.request = request;
    this.ids = ids;
  }

  header(name: string): string | undefined {
    return headerOf(this.request, name);
  }

  /** Of one call in a million: services get fields of their own. */
  get requestHeader(): Headers {
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.request.headers)) {
      if (!name.startsWith(":") && value !== undefined) headers.set(name, String(value));
    }
    return headers;
  }

  // What handlers would set goes out by the answer of the service.

  get responseHeader(): Headers {
    return new Headers();
  }

  get responseTrailer(): Headers {
    return new Headers();
  }
}

/** One header field; of one that came several times, as Node joins them. */
export function headerOf({ headers }: NodeServerRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.join(", ");
}
