import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";

/** It changes nothing: to be kept, hedged, or sent as GET. */
export const onlyReads = ({ idempotency }: DescMethod): boolean =>
  idempotency === Idempotency.NO_SIDE_EFFECTS;

/** Made twice it does no more than made once. */
export const isRepeatable = (method: DescMethod): boolean =>
  onlyReads(method) || method.idempotency === Idempotency.IDEMPOTENT;
