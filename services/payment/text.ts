import { cleanText } from "#mesh";

/** What others wrote, in a length that a row can bear. */
export const shortText = (text: string, most = 300): string => cleanText(text).slice(0, most);
