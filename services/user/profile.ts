import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import type { Profile, ProfileSchema as Schema } from "#gen/user/v1/user_pb.js";
import { ProfileSchema } from "#gen/user/v1/user_pb.js";
import { fail, isPlace } from "#mesh";
import { validate } from "#mesh/rpc/validate.ts";
import { requireName, requireText, shown } from "./text.ts";

/** The values of a profile, without what makes it a message. */
export type ProfileValues = Omit<Profile, "$typeName" | "$unknown">;

/** Fields as a mask names them, with the names they have in code. */
const fields: ReadonlyMap<string, keyof ProfileValues> = new Map(
  ProfileSchema.fields.map((field) => [field.name, field.localName as keyof ProfileValues]),
);

/**
 * The profile after an update: the fields of the mask are taken from `changes`,
 * the others stay. An empty mask means all fields, so what `changes` lacks is
 * emptied.
 */
export function updatedProfile(
  current: ProfileValues,
  changes: MessageInitShape<typeof Schema>,
  paths: readonly string[],
): ProfileValues {
  const given = create(ProfileSchema, changes);
  const merged = create(ProfileSchema, current);
  for (const field of maskedFields(paths)) merged[field] = given[field].trim();
  requireValid(merged);
  const { $typeName, $unknown, ...values } = merged;
  return values;
}

/** Names, as the contract has them, of the fields that an update has changed. */
export function changedFields(before: ProfileValues, after: ProfileValues): string[] {
  return [...fields].flatMap(([name, field]) => (before[field] === after[field] ? [] : [name]));
}

/** Far more than a profile has fields: whoever names more makes work, not a change. */
const mostPaths = 16;

/** The paths of a mask, each once. */
export function distinctPaths(paths: readonly string[]): string[] {
  if (paths.length > mostPaths) {
    throw fail.invalid("too_many_paths", `update_mask: names ${paths.length} paths`, {
      remedy: `name each field once, ${mostPaths} at most`,
    });
  }
  return [...new Set(paths)];
}

function maskedFields(paths: readonly string[]): (keyof ProfileValues)[] {
  if (paths.length === 0) return [...fields.values()];
  return paths.map((path) => {
    const field = fields.get(path);
    if (field) return field;
    throw fail.invalid("unknown_field", `update_mask names ${shown(path)}, which a profile does not have`, {
      remedy: `it has ${[...fields.keys()].join(", ")}`,
    });
  });
}

/** The contract leaves the profile of an update unchecked, since a masked one may be partial. */
function requireValid(profile: Profile): void {
  validate(ProfileSchema, profile);
  requireName("display_name", profile.displayName);
  requireText("bio", profile.bio);
  if (profile.timeZone && !isPlace(profile.timeZone)) {
    throw fail.invalid("bad_time_zone", `time_zone: ${shown(profile.timeZone)} is not a time zone`, {
      remedy: "use a name of the IANA list, such as Africa/Accra",
    });
  }
  if (profile.locale && !isLocale(profile.locale)) {
    throw fail.invalid("bad_locale", `locale: ${shown(profile.locale)} is not a language tag`, {
      remedy: "use a BCP 47 tag, such as en or fr-CI",
    });
  }
}

/** What `Intl` refuses here would make it throw wherever a date is written for this user. */
const isLocale = (tag: string) => accepts(() => Intl.getCanonicalLocales(tag));

function accepts(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
