import type { Call } from "../call/call.ts";
import type { Credentials, Proof } from "../identity/credentials.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Callee } from "./callee.ts";

/** What it takes to call one service. */
export interface CallMeans {
  readonly callee: Callee;
  readonly telemetry: Telemetry;
  /** Proves who calls and for whom; without it, the call is made as nobody. */
  readonly credentials: Credentials | undefined;
}

const noProof: Proof = Object.freeze({ authorization: "", statement: "" });

export const proofFor = (
  { callee, credentials }: CallMeans,
  call: Call | undefined,
): Proof | Promise<Proof> => (credentials ? credentials(callee.name, call) : noProof);
