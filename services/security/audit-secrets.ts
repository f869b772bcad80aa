const hidden = "[redacted]";

/** Names of things that are secret whatever they hold. */
const secretName =
  /pass(word|phrase|code)?$|passwd|secret|token|credential|authorization|cookie|api[-_ ]?key|private[-_ ]?key|otp|pin$|cvc|cvv|signature/i;

/** What secrets look like wherever they stand: JWTs, our refresh tokens, bearer headers, PEM keys, passwords in URLs. */
const secretForms = [
  /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g,
  /\bwr_[\w-]{43}/g,
  /\b(bearer|basic) +[\w.~+/-]{8,}=*/gi,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
];

/** A text without secrets. */
export function withoutSecrets(text: string): string {
  return secretForms.reduce((rest, form) => rest.replace(form, hidden), text);
}

/**
 * Details without secrets. The record is kept for ever and read by many, so
 * what a service lets slip into it must not stay there.
 */
export function detailsWithoutSecrets(details: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      withoutSecrets(name),
      secretName.test(name) ? hidden : withoutSecrets(value),
    ]),
  );
}
