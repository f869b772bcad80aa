/** One of the things that a client takes, and how much it likes it (RFC 9110 §12.4.2). */
interface Preference {
  readonly name: string;
  readonly quality: number;
}

/** Longer ones are nobody's wish. */
const mostChars = 1000;

function preferences(header: string): Preference[] {
  return header
    .slice(0, mostChars)
    .split(",")
    .map((part) => {
      const [name = "", ...parameters] = part.split(";").map((it) => it.trim().toLowerCase());
      const q = parameters.find((it) => it.startsWith("q="))?.slice(2);
      const quality = q === undefined ? 1 : Number(q);
      return { name, quality: quality >= 0 && quality <= 1 ? quality : 0 };
    });
}

/**
 * Which of the codings that we have the client likes best (RFC 9110 §12.5.3);
 * ours come in the order of our own liking. Nothing for an answer as it is.
 */
export function chooseCoding<T extends string>(
  header: string | undefined,
  ours: readonly T[],
): T | undefined {
  if (!header) return undefined;
  const wished = preferences(header);
  const any = wished.find(({ name }) => name === "*")?.quality ?? 0;
  const qualityOf = (name: string) => wished.find((it) => it.name === name)?.quality ?? any;
  const asItIs = wished.find(({ name }) => name === "identity")?.quality ?? 0;
  let best: T | undefined;
  for (const name of ours) {
    const quality = qualityOf(name);
    if (quality > 0 && quality >= asItIs && (best === undefined || quality > qualityOf(best))) best = name;
  }
  return best;
}

/** Which of the media types that we have the client likes best; nothing when it takes none of them. */
export function chooseType<T extends string>(
  header: string | undefined,
  ours: readonly [T, ...T[]],
): T | undefined {
  if (!header) return ours[0];
  const wished = preferences(header);
  const qualityOf = (type: string) => {
    const [group] = type.split("/", 1);
    // The most precise one counts, whatever stands first.
    const found =
      wished.find(({ name }) => name === type) ??
      wished.find(({ name }) => name === `${group}/*`) ??
      wished.find(({ name }) => name === "*/*");
    return found?.quality ?? 0;
  };
  let best: T | undefined;
  for (const type of ours) {
    if (qualityOf(type) > (best === undefined ? 0 : qualityOf(best))) best = type;
  }
  return best;
}
