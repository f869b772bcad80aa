import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { service as healthDefinition } from "grpc-health-check";

/** Asks a port for its standard health, with the client that every gRPC prober is. */
export function probeHealth(address: string, timeoutMs = 3000): Promise<string> {
  const Health = makeGenericClientConstructor(healthDefinition, "Health");
  const client = new Health(address, credentials.createInsecure());
  return new Promise<string>((resolve) => {
    const check = client.check as unknown as (
      request: { service: string },
      options: { deadline: number },
      reply: (error: Error | null, answer?: { status: string }) => void,
    ) => void;
    check.call(client, { service: "" }, { deadline: Date.now() + timeoutMs }, (error, answer) =>
      resolve(error ? "NO ANSWER" : (answer?.status ?? "UNKNOWN")),
    );
  }).finally(() => client.close());
}
