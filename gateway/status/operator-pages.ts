import type { BlockList } from "node:net";
import type { Caller } from "#mesh";
import { fail, permits } from "#mesh";
import type { Authenticator } from "#mesh/rpc/authenticate.ts";
import type { Routes } from "#mesh/server/node.ts";
import { isIn } from "../edge/client-address.ts";
import type { Exchange } from "../edge/exchange.ts";
import type { FindPage } from "../edge/pages.ts";

/** What tells of the inside. */
const restricted = new Set(["/metrics", "/health/detailed"]);
const permission = "gateway:read";

export interface OperatorPagesOptions {
  readonly routes: Routes;
  /** From where nothing needs to be shown. */
  readonly operators: BlockList;
  readonly authenticate: Authenticator;
}

/** Health and metrics: some for everybody, some for operators. */
export function operatorPages({ routes, operators, authenticate }: OperatorPagesOptions): FindPage {
  const mustBeOperator = async (exchange: Exchange) => {
    const direct = exchange.header("x-forwarded-for") === undefined;
    const { remoteAddress = "" } = exchange.request.socket ?? {};
    if (direct && isIn(operators, remoteAddress)) return;
    const { caller } = await authenticate({ header: (name) => exchange.header(name) });
    if (mayRead(caller)) return;
    if (!caller.user && !caller.service) throw needed();
    throw fail.denied("permission_missing", `this needs the permission ${permission}`);
  };

  return (path) => {
    const route = routes.get(path);
    if (!route) return undefined;
    return async (exchange) => {
      if (restricted.has(path)) await mustBeOperator(exchange);
      const { status, contentType, body } = await route();
      await exchange.sendText(status, contentType, body, ["cache-control", "no-store"]);
    };
  };
}

const mayRead = ({ user, service }: Caller) =>
  permits(user?.permissions ?? [], permission) || permits(service?.scopes ?? [], permission);

const needed = () =>
  fail.unauthenticated("credentials_required", "this is for operators", {
    remedy: `send \`authorization: Bearer <access token>\` of a user with the permission ${permission}`,
  });
