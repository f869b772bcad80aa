import type { Parcel } from "./deliveries-store.ts";
import { asOne } from "./digest-letter.ts";
import type { OutChannel } from "./job-of.ts";
import { nearest } from "./language.ts";
import type { Letter, Provider, Receipt } from "./providers/provider.ts";
import type { Recipient } from "./recipients.ts";
import { escapeHtml } from "./template-text.ts";
import { clip, spokenBy } from "./text.ts";
import type { UnsubscribeLinks } from "./unsubscribe-links.ts";

/** What came of trying: sent, or why not even that. */
export type Tried =
  | { readonly kind: "sent"; readonly receipt: Receipt }
  | { readonly kind: "skipped"; readonly reason: "not_configured" | "no_address" | "user_gone" };

/** How a channel takes parcels to a user. Throws as a provider does. */
export interface Way {
  /** Empty when there is none. */
  readonly provider: string;
  carry(parcels: readonly Parcel[], to: Recipient, signal: AbortSignal): Promise<Tried>;
}

export type Ways = Readonly<Record<OutChannel, Way>>;

/** Each part of a text message costs: about six of them. */
const mostSmsChars = 918;

export const emailWay = (provider: Provider | undefined, links: UnsubscribeLinks): Way =>
  by(
    provider,
    ({ email }) => email,
    (parcels, { locale }) => {
      const [first] = parcels;
      // A letter of several topics has no one link for all of them, nor has one of several voices one.
      const isOfOne = parcels.every(({ topic }) => topic === first?.topic);
      const voice = parcels.length === 1 ? first?.voice : undefined;
      const words = { ...asOne(parcels), ...(voice && { voice }) };
      return withLink(words, isOfOne && first ? links.to(first) : undefined, locale);
    },
  );

export const smsWay = (provider: Provider | undefined): Way =>
  by(
    provider,
    ({ phone }) => phone,
    (parcels) => ({
      subject: "",
      text: clip(parcels.map(({ voice, text }) => spokenBy(voice, text)).join("\n"), mostSmsChars),
      html: "",
    }),
  );

type Words = Pick<Letter, "subject" | "text" | "html" | "voice" | "unsubscribe">;

const unsubscribeWords = [
  { language: "en", word: "Unsubscribe" },
  { language: "fr", word: "Se désabonner" },
];

function withLink(words: Words, link: string | undefined, locale: string): Words {
  if (!link) return words;
  const { word = "" } = nearest(unsubscribeWords, locale) ?? {};
  return {
    ...words,
    text: `${words.text}\n\n--\n${word}: ${link}`,
    html: words.html && `${words.html}<hr><p><a href="${escapeHtml(link)}">${word}</a></p>`,
    unsubscribe: link,
  };
}

function by(
  provider: Provider | undefined,
  addressOf: (to: Recipient) => string,
  words: (parcels: readonly Parcel[], to: Recipient) => Words,
): Way {
  return {
    provider: provider?.name ?? "",
    async carry(parcels, recipient, signal) {
      if (!provider) return { kind: "skipped", reason: "not_configured" };
      const to = addressOf(recipient);
      if (to === "") return { kind: "skipped", reason: "no_address" };
      const id = parcels[0]?.id ?? "";
      return { kind: "sent", receipt: await provider.send({ id, to, ...words(parcels, recipient) }, signal) };
    },
  };
}
