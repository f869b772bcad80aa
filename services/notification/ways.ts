import type { Parcel } from "./deliveries-store.ts";
import { asOne } from "./digest-letter.ts";
import type { OutChannel } from "./job-of.ts";
import type { Provider, Receipt } from "./providers/provider.ts";
import type { Recipient } from "./recipients.ts";
import { clip } from "./text.ts";

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

export const emailWay = (provider: Provider | undefined): Way => by(provider, ({ email }) => email, asOne);

export const smsWay = (provider: Provider | undefined): Way =>
  by(
    provider,
    ({ phone }) => phone,
    (parcels) => ({
      subject: "",
      text: clip(parcels.map(({ text }) => text).join("\n"), mostSmsChars),
      html: "",
    }),
  );

function by(
  provider: Provider | undefined,
  addressOf: (to: Recipient) => string,
  words: (parcels: readonly Parcel[]) => { subject: string; text: string; html: string },
): Way {
  return {
    provider: provider?.name ?? "",
    async carry(parcels, recipient, signal) {
      if (!provider) return { kind: "skipped", reason: "not_configured" };
      const to = addressOf(recipient);
      if (to === "") return { kind: "skipped", reason: "no_address" };
      const id = parcels[0]?.id ?? "";
      return { kind: "sent", receipt: await provider.send({ id, to, ...words(parcels) }, signal) };
    },
  };
}
