import type { Template } from "../routing/template.ts";

/**
 * Paths that the gateway answers itself, with all below them. A template with
 * wildcards in their place is let be: the gateway's own come first.
 * `/.well-known` is not among them, as services publish there what is theirs.
 */
const reservedPaths: readonly string[] = ["/health", "/metrics", "/gateway", "/openapi.json", "/api/docs"];

const reserved = reservedPaths.map((it) => it.slice(1).split("/"));
/** `/package.Service/Method` is how Connect and gRPC call, whoever serves it. */
const serviceName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/;

/** Why a service may not have this path, or nothing. */
export function reservedProblem({ segments, text }: Template): string | undefined {
  const literalAt = (i: number) => {
    const segment = segments[i];
    return segment?.kind === "literal" ? segment.text : undefined;
  };
  const index = reserved.findIndex((parts) => parts.every((part, i) => literalAt(i) === part));
  if (index >= 0) return `${text} is under ${reservedPaths[index]}, which the gateway answers itself`;
  if (segments.length === 2 && serviceName.test(literalAt(0) ?? ""))
    return `${text} has the form of an RPC's path`;
  return undefined;
}
