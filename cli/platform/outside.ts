import type { Environment } from "#mesh";

/** The outside world that a platform runs for itself. */
export interface Outside extends AsyncDisposable {
  /** What can be looked at, by what is in it. */
  readonly urls: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

const usualPort = 8090;

/**
 * Starts the sandbox beside the services, for all providers that the environment
 * says nothing of. WEFT_SANDBOX=false leaves it out.
 */
export async function startOutside(
  env: Environment,
  ports: ReadonlyMap<string, number>,
): Promise<Outside | undefined> {
  if (env.WEFT_SANDBOX === "false") return undefined;
  // Not in containers, which have the real world outside.
  const { startSandbox } = await import("../../sandbox/sandbox.ts");
  const gatewayUrl = `http://127.0.0.1:${ports.get("gateway") ?? 0}`;
  const sandbox = await startSandbox({ gatewayUrl, port: usualPort }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return startSandbox({ gatewayUrl });
  });
  const wanted = sandbox.providers.filter((provider) => Object.keys(provider).every((name) => !env[name]));
  return {
    urls: sandbox.urls,
    env: Object.assign({}, ...wanted) as Record<string, string>,
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}
