/** What `exports` of a package.json says, as far as it is read here. */
export type Exports = Readonly<Record<string, string | Readonly<Record<string, unknown>>>>;

/**
 * What a page may import by which name, when the packages lie at `/node_modules`
 * as they are: the ES modules that their own `exports` name.
 */
export function importsOf(name: string, exports: Exports): Record<string, string> {
  const imports: Record<string, string> = {};
  for (const [key, target] of Object.entries(exports)) {
    const file = typeof target === "string" ? target : target.import;
    if (typeof file === "string") imports[`${name}${key.slice(1)}`] = `/node_modules/${name}${file.slice(1)}`;
  }
  return imports;
}
