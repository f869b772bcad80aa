import type { JsonObject } from "@bufbuild/protobuf";
import { fromJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { FromTemplateSchema } from "#gen/notification/v1/notification_pb.js";
import type { Call } from "#mesh";
import { asService, reasonOf } from "#mesh";
import type { Peers } from "./peers.ts";
import { templateBuiltIn, templateRefused } from "./refusals.ts";

const askTimeoutMs = 3000;

/**
 * Tries a template before it is scheduled. When that cannot be done now, nothing
 * is: one that the platform itself sends would be taken later. When the template
 * is changed after that, the first notification that is refused tells.
 */
export function createTemplateCheck(templates: Peers["templates"]) {
  return async (template: JsonObject | null, call: Call): Promise<void> => {
    if (!template) return;
    const { name, variables } = fromJson(FromTemplateSchema, template);
    const means = { timeoutMs: askTimeoutMs, signal: call.signal };
    const preview = async () => {
      try {
        return await asService(call, () => templates.previewTemplate({ name, variables }, means));
      } catch (error) {
        throw isRefusal(error) ? templateRefused(reasonOf(error), error.rawMessage) : error;
      }
    };
    if ((await preview()).builtIn) throw templateBuiltIn(name);
  };
}

const isRefusal = (error: unknown): error is ConnectError =>
  error instanceof ConnectError && (error.code === Code.NotFound || error.code === Code.InvalidArgument);

export type TemplateCheck = ReturnType<typeof createTemplateCheck>;
