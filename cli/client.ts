import type { DescMethod } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { TokenService } from "#gen/security/v1/tokens_pb.js";
import type { ServiceDefinition } from "#mesh";
import { methodName, serviceOf } from "#mesh/contract/options.ts";
import { fail } from "#mesh/errors.ts";
import { loadServiceKey } from "#mesh/identity/service-key.ts";
import { usualPort } from "./catalog.ts";
import { keyFile } from "./keys.ts";
import type { PlatformState } from "./state.ts";
import type { Workspace } from "./workspace.ts";

export interface TransportOptions {
  /** Of calls that name none. Default: as long as it takes. */
  readonly timeoutMs?: number;
}

/** A transport to one service, with these headers on every call. */
export function transportTo(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  { timeoutMs }: TransportOptions = {},
): Transport {
  return createConnectTransport({
    baseUrl: url,
    httpVersion: "2",
    ...(timeoutMs && { defaultTimeoutMs: timeoutMs }),
    interceptors: [
      (next) => (request) => {
        for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
        return next(request);
      },
    ],
  });
}

/** Where a service is: as the running platform says, else at its usual port. */
export function urlOf(
  services: readonly ServiceDefinition[],
  state: PlatformState | undefined,
  name: string,
): string {
  const known = state?.services[name]?.url;
  if (known) return known;
  const definition = services.find((service) => service.name === name);
  return `http://localhost:${definition ? usualPort(definition) : 0}`;
}

export const allMethods = (services: readonly ServiceDefinition[]): DescMethod[] =>
  services.flatMap(({ contracts }) => contracts.flatMap((contract) => contract.methods));

/** Finds `user.v1.AuthService/Login`; a unique ending such as `AuthService/Login` or `Login` will do. */
export function findMethod(
  services: readonly ServiceDefinition[],
  text: string,
): { method: DescMethod; service: string } {
  const wanted = text
    .replace(/^\//, "")
    .replace(/\.([^./]+)$/, (match, last) =>
      text.includes("/") || text.split(".").length < 4 ? match : `/${last}`,
    );
  const all = allMethods(services);
  const exact = all.filter((method) => methodName(method) === wanted);
  // Whole names alone: `Login` is not `TrackLogin`.
  const endsWith = (name: string) => name.endsWith(`/${wanted}`) || name.endsWith(`.${wanted}`);
  const found = exact.length > 0 ? exact : all.filter((method) => endsWith(methodName(method)));
  const [method] = found;
  if (!method || found.length > 1) {
    const close = (found.length > 1 ? found : similar(all, wanted)).map(methodName);
    throw fail.notFound(
      found.length > 1 ? "ambiguous_method" : "unknown_method",
      found.length > 1 ? `"${text}" could be several methods` : `no method is named "${text}"`,
      { remedy: close.length > 0 ? `did you mean ${close.join(" or ")}?` : "see `weft call --list`" },
    );
  }
  return { method, service: serviceOf(method.parent)?.name ?? "" };
}

function similar(all: readonly DescMethod[], wanted: string): DescMethod[] {
  const last = wanted.split("/").at(-1)?.toLowerCase() ?? "";
  return last.length < 3 ? [] : all.filter((method) => method.name.toLowerCase().includes(last)).slice(0, 5);
}

export interface ActAs {
  workspace: Workspace;
  securityUrl: string;
  /** A service of the platform, or the operator. */
  name: string;
  callee: string;
}

/** Longer than a service takes that is there at all. */
export const patienceMs = 10_000;

/** A service token, got with the key of that name in this checkout. */
export async function serviceToken({ workspace, securityUrl, name, callee }: ActAs): Promise<string> {
  const key = await loadServiceKey(name, keyFile(workspace.keys, name));
  const tokens = createClient(TokenService, transportTo(securityUrl, {}, { timeoutMs: patienceMs }));
  const { token } = await tokens.issueServiceToken({ assertion: await key.assertion(), audience: callee });
  return token;
}
