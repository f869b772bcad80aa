export interface HtmlOptions {
  readonly title: string;
  readonly documentUrl: string;
  /** Folder of the parts that come with a version in their path. */
  readonly assets: string;
  readonly icon: string;
}

/** The page itself: nothing inline, so that its policy need not let scripts in that somebody slipped in. */
export const pageHtml = ({ title, documentUrl, assets, icon }: HtmlOptions): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" type="image/png" href="${escaped(assets)}/${icon}">
<link rel="stylesheet" href="${escaped(assets)}/swagger-ui.css">
<link rel="stylesheet" href="${escaped(assets)}/page.css">
</head>
<body data-document-url="${escaped(documentUrl)}">
<div id="docs"></div>
<noscript>This page needs JavaScript; the document is at <a href="${escaped(documentUrl)}">${escaped(documentUrl)}</a>.</noscript>
<script src="${escaped(assets)}/swagger-ui-bundle.js"></script>
<script src="${escaped(assets)}/init.js"></script>
</body>
</html>
`;

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => entities[char] ?? char);
