import type { DescExtension, DescMethod, DescService, FileRegistry, Message } from "@bufbuild/protobuf";
import { clone, create, setExtension } from "@bufbuild/protobuf";
import type { MethodOptions, ServiceOptions } from "@bufbuild/protobuf/wkt";
import { MethodOptionsSchema, ServiceOptionsSchema } from "@bufbuild/protobuf/wkt";
import {
  AccessSchema,
  MethodSchema,
  method as methodOption,
  ServiceSchema,
  service as serviceOption,
} from "#gen/mesh/v1/options_pb.js";
import { optionsOf, serviceOf } from "#mesh";

/** Options that say how to call, and what a valid call is. All others are nobody else's business. */
const publicPackages = new Set(["google.api", "buf.validate"]);

/** Which options an element has that strangers may see, by the extensions that declare them. */
export type KeepOptions = (options: Message | undefined, used: (extension: DescExtension) => void) => void;

/** Takes all other custom options away, and tells of each that stays. */
export function createOptionFilter(registry: FileRegistry): KeepOptions {
  const known = new Map<string, DescExtension>();
  for (const it of registry) {
    if (it.kind === "extension" && publicPackages.has(it.file.proto.package))
      known.set(`${it.extendee.typeName} ${it.number}`, it);
  }
  return (options, used) => {
    if (!options?.$unknown) return;
    const kept = options.$unknown.filter(({ no }) => {
      const extension = known.get(`${options.$typeName} ${no}`);
      if (extension) used(extension);
      return extension !== undefined;
    });
    if (kept.length > 0) options.$unknown = kept;
    else delete options.$unknown;
  };
}

/** A method's policies as they concern a user: not which services may call it, nor how they do. */
export function publicMethodOptions(method: DescMethod, options: MethodOptions | undefined): MethodOptions {
  const policies = optionsOf(method);
  const { public: isPublic = false, signedIn = false, permission = "" } = policies?.access ?? {};
  const made = options ? clone(MethodOptionsSchema, options) : create(MethodOptionsSchema);
  setExtension(
    made,
    methodOption,
    create(MethodSchema, {
      access: create(AccessSchema, { public: isPublic, signedIn, permission }),
      ...(policies?.timeout && { timeout: policies.timeout }),
      ...(policies?.rateLimit && { rateLimit: policies.rateLimit }),
      successStatus: policies?.successStatus ?? 0,
    }),
  );
  return made;
}

/** A contract's process by its name alone: not its port and scopes. */
export function publicServiceOptions(
  contract: DescService,
  options: ServiceOptions | undefined,
): ServiceOptions {
  const made = options ? clone(ServiceOptionsSchema, options) : create(ServiceOptionsSchema);
  setExtension(made, serviceOption, create(ServiceSchema, { name: serviceOf(contract)?.name ?? "" }));
  return made;
}
