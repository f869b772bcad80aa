import type { GeneralLaneOptions } from "#mesh/client/general-lane.ts";

/** One way to call: every combination that the protocols allow. */
export type Way = Required<Pick<GeneralLaneOptions, "protocol" | "http" | "codec">>;

export const ways: readonly Way[] = (["connect", "grpc", "grpc-web"] as const).flatMap((protocol) =>
  (["1.1", "2"] as const).flatMap((http) =>
    (["binary", "json"] as const).flatMap((codec) =>
      // gRPC has its status in trailers, which HTTP/1.1 clients do not get.
      protocol === "grpc" && http === "1.1" ? [] : [{ protocol, http, codec }],
    ),
  ),
);

export const nameOf = ({ protocol, http, codec }: Way) => `${protocol}, HTTP/${http}, ${codec}`;
