import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { FromTemplateSchema } from "#gen/notification/v1/notification_pb.js";
import { reasonOf } from "#mesh";
import type { Peers } from "./peers.ts";
import { templateRefused } from "./refusals.ts";

const askTimeoutMs = 3000;

/**
 * Tries a template in the name of the user who schedules it. Whoever may not see
 * templates, or cannot now, is told by the first notification that is refused.
 */
export function createTemplateCheck(templates: Peers["templates"]) {
  return async (template: JsonObject | null, signal: AbortSignal): Promise<void> => {
    if (!template) return;
    const { name, variables } = fromJson(FromTemplateSchema, template);
    try {
      await templates.previewTemplate({ name, variables }, { timeoutMs: askTimeoutMs, signal });
    } catch (error) {
      const isRefusal =
        error instanceof ConnectError &&
        (error.code === Code.NotFound || error.code === Code.InvalidArgument);
      if (isRefusal) throw templateRefused(reasonOf(error), error.rawMessage);
    }
  };
}

export type TemplateCheck = ReturnType<typeof createTemplateCheck>;
