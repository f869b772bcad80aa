/** For places of one line, such as the subject of an e-mail. */
export const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

/** Without half a character at the end. */
export const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;

/** Words with whose they are, where that is not the platform. */
export const spokenBy = (voice: string, words: string): string => (voice ? `${voice}: ${words}` : words);
