import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { FromTemplateSchema } from "#gen/notification/v1/notification_pb.js";
import type { Call } from "#mesh";
import { asService, reasonOf } from "#mesh";
import type { Peers } from "./peers.ts";
import { templateRefused } from "./refusals.ts";

const askTimeoutMs = 3000;

/**
 * Tries a template before it is scheduled. When that cannot be done now, or the
 * template is changed later, the first notification that is refused tells.
 */
export function createTemplateCheck(templates: Peers["templates"]) {
  return async (template: JsonObject | null, call: Call): Promise<void> => {
    if (!template) return;
    const { name, variables } = fromJson(FromTemplateSchema, template);
    try {
      const means = { timeoutMs: askTimeoutMs, signal: call.signal };
      await asService(call, () => templates.previewTemplate({ name, variables }, means));
    } catch (error) {
      const isRefusal =
        error instanceof ConnectError &&
        (error.code === Code.NotFound || error.code === Code.InvalidArgument);
      if (isRefusal) throw templateRefused(reasonOf(error), error.rawMessage);
    }
  };
}

export type TemplateCheck = ReturnType<typeof createTemplateCheck>;
