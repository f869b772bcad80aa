import { escapeHtml } from "./template-text.ts";

/** Pages for people who followed the link in an e-mail: no script and no style, which the gateway lets nobody have. */
const page = (title: string, body: string): { contentType: string; data: Uint8Array<ArrayBuffer> } => ({
  contentType: "text/html; charset=utf-8",
  data: new TextEncoder().encode(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${title}</title>
<h1>${title}</h1>
${body}
</html>
`),
});

export const askPage = (topic: string) =>
  page(
    "No more e-mails?",
    `<p>E-mails about <b>${escapeHtml(topic)}</b> end. You still find what they would say in the app.</p>
<form method="post"><button>End them</button></form>`,
  );

export const endedPage = (topic: string) =>
  page(
    "No more e-mails",
    `<p>You get no more e-mails about <b>${escapeHtml(topic)}</b>. In your preferences you can have them again.</p>`,
  );
