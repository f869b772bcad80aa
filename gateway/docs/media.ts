import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import type { Schema } from "./document.ts";

/** A message that is not JSON but any content, with its own type. */
export const isHttpBody = (message: DescMessage | undefined): boolean =>
  message?.typeName === "google.api.HttpBody";

export const binary: JsonObject = { "*/*": { schema: { type: "string", format: "binary" } } };

/** OpenAPI 3.1 has no word for a stream of items (3.2 has `itemSchema`). */
export const lines = (item: Schema): JsonObject => ({
  schema: { type: "string", description: "One JSON value on each line.", "x-item-schema": item },
});

export const events = (item: Schema): JsonObject => ({
  schema: {
    type: "string",
    description: "The `data` of each event is one JSON value.",
    "x-item-schema": item,
  },
});
