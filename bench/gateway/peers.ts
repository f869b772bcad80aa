import type { GatewayPeer } from "./edge.ts";
import { buildGo, hasGo } from "./go-build.ts";
import { serveGo } from "./go-process.ts";
import type { World } from "./world.ts";

/** A gateway of Node before the backend that speaks gRPC. */
const overGrpc = (name: string, module: string): GatewayPeer => ({
  name,
  async start(world) {
    const backend = await world.grpcBackend();
    const gateway = await world.serve(`gateway of ${name}`, module, { backend: backend.address });
    return { gateway, backend };
  },
});

export const fastifyGrpcJs = overGrpc("fastify-grpc-js", "fastify-gateway");
export const nestjs = overGrpc("nestjs", "nestjs-gateway");

export const moleculerWeb: GatewayPeer = {
  name: "moleculer-web",
  async start(world: World) {
    const backend = await world.serve("backend of moleculer-web", "moleculer-backend");
    const gateway = await world.serve("gateway of moleculer-web", "moleculer-gateway", {
      backend: backend.address,
    });
    return { gateway, backend };
  },
};

export const nodeHttp: GatewayPeer = {
  name: "node-http",
  start: async (world) => ({ gateway: await world.serve("node-http", "node-http") }),
};

/** A gateway in Go before the same backend. */
const inGo = (name: string): GatewayPeer => ({
  name,
  missing: () => (hasGo() ? undefined : "there is no `go` on PATH"),
  async start(world) {
    const program = buildGo(name);
    const backend = await world.grpcBackend();
    const gateway = await serveGo(world, `gateway of ${name}`, program, backend.address);
    return { gateway, backend };
  },
});

export const grpcGateway = inGo("grpc-gateway");
export const vanguard = inGo("vanguard");
