interface InLanguage {
  readonly language: string;
}

const usual = "en";

/** The one nearest to a locale: `fr-CI`, else `fr`, else English, else the first. */
export function nearest<T extends InLanguage>(variants: readonly T[], locale: string): T | undefined {
  const wanted = locale.toLowerCase().split("-");
  const tags = wanted.map((_, at) => wanted.slice(0, wanted.length - at).join("-"));
  for (const tag of [...tags, usual]) {
    const found = variants.find(({ language }) => language.toLowerCase() === tag);
    if (found) return found;
  }
  return variants[0];
}
