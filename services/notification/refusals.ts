import { fail } from "#mesh";

export const noNotification = () =>
  fail.notFound("notification_not_found", "no notification of yours has this id", {
    remedy: "list your notifications for their ids",
  });

export const noList = () => fail.notFound("notification_list_not_found", "no list of yours is of this user");

export const noRecipient = () =>
  fail.notFound("recipient_not_found", "no user has this id", { remedy: "see whether the account is gone" });

export const noTemplate = (name: string) =>
  fail.notFound("template_not_found", `no template is named ${name}`, {
    remedy: "list the templates for their names",
  });

export const templateExists = (name: string) =>
  fail.alreadyExists("template_exists", `there is a template named ${name} already`, {
    remedy: "choose another name, or update that one",
  });

export const templateBuiltIn = () =>
  fail.precondition("template_built_in", "the platform itself sends this template, so it cannot be deleted", {
    remedy: "update it to say something else",
  });

export const templateMalformed = (language: string) =>
  fail.invalid("template_malformed", `the variant ${language} has braces that are no variable`, {
    remedy: "write variables as {{name}}, in small letters, digits and _",
  });

export const languageTwice = (language: string) =>
  fail.invalid("template_language_twice", `two variants are in ${language}`, { remedy: "leave one out" });

export const builtInNeeds = (names: readonly string[]) =>
  fail.invalid("template_variables_unknown", `the platform does not give ${names.join(", ")}`, {
    remedy: "use the variables that the template has had",
    metadata: { names: names.join(",") },
  });

export const variablesMissing = (names: readonly string[]) =>
  fail.invalid("template_variables_missing", `the template needs ${names.join(", ")}`, {
    remedy: "give each a value",
    metadata: { names: names.join(",") },
  });

export const variablesUnknown = (names: readonly string[]) =>
  fail.invalid("template_variables_unknown", `the template has no ${names.join(", ")}`, {
    remedy: "leave them out, or put them into the template",
    metadata: { names: names.join(",") },
  });

export const tooLong = () =>
  fail.invalid("notification_too_long", "the template with these variables is longer than can be sent", {
    remedy: "give shorter values",
  });

export const badTimeZone = (name: string) =>
  fail.invalid("bad_time_zone", `${JSON.stringify(name)} is no time zone`, {
    remedy: "use an IANA name such as Africa/Accra",
  });

export const noQuietTime = () =>
  fail.invalid("quiet_hours_empty", "the quiet hours end when they start", {
    remedy: "to be told nothing at all, choose no channels for the topic `default`",
  });

export const tooManyTopics = (most: number) =>
  fail.exhausted("too_many_topics", `something is said of ${most} topics already`, {
    remedy: "reset some of them, or set the topic `default`",
  });

export const pushNotOffered = () =>
  fail.precondition("push_not_offered", "this platform sends no push messages", {
    remedy: "its operator sets NOTIFICATION_VAPID_PUBLIC_KEY and NOTIFICATION_VAPID_PRIVATE_KEY",
  });

export const badEndpoint = () =>
  fail.invalid("push_endpoint_refused", "the endpoint is none of a push service on the internet", {
    remedy:
      "send what the browser's PushSubscription has; push services of your own are named in NOTIFICATION_PUSH_SERVICES",
  });

export const noSubscription = () =>
  fail.notFound("push_subscription_not_found", "no push subscription of yours has this id");

export const badLastEvent = () =>
  fail.invalid("bad_last_event_id", "last_event_id is none that this stream gave out", {
    remedy: "leave it empty to begin with what comes",
  });

export const badPushKeys = () =>
  fail.invalid("push_keys_invalid", "p256dh or auth is no key of a browser", {
    remedy: "send what the browser's PushSubscription has",
  });

export const badLink = () =>
  fail.notFound("bad_unsubscribe_link", "this link is not whole, or not one of ours", {
    remedy: "open it from the e-mail, or sign in and change your preferences",
  });
