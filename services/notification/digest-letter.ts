import { escapeHtml } from "./template-text.ts";
import { spokenBy } from "./text.ts";

interface Words {
  readonly voice: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Several notifications in one e-mail; one is sent as it is. */
export function asOne(parts: readonly Words[]): Omit<Words, "voice"> {
  const [first] = parts;
  if (first && parts.length === 1) return { subject: first.subject, text: first.text, html: first.html };
  const html = parts.some((part) => part.html !== "");
  return {
    // The same word in English and French.
    subject: `${parts.length} notifications`,
    text: parts
      .map(({ voice, subject, text }) => `${spokenBy(voice, subject)}\n\n${text}`)
      .join("\n\n----\n\n"),
    html: html ? parts.map(section).join("<hr>") : "",
  };
}

const section = ({ voice, subject, text, html }: Words) =>
  `<h2>${escapeHtml(spokenBy(voice, subject))}</h2>${html || `<p>${escapeHtml(text).replaceAll("\n", "<br>")}</p>`}`;
