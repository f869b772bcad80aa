// Our part of the page: everything comes from the origin that the page comes from.
const { documentUrl } = document.body.dataset;

globalThis.ui = globalThis.SwaggerUIBundle({
  url: documentUrl,
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  // Thousands of operations open at once are of no use, and slow.
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  tryItOutEnabled: true,
  // A token that outlives the tab would lie open to whoever comes next.
  persistAuthorization: false,
  // Otherwise it sends the document to a server elsewhere.
  validatorUrl: null,
  showExtensions: false,
  syntaxHighlight: { activated: true, theme: "agate" },
});
