import { isTimeZone } from "#mesh";

/** Names of places alone: offsets such as `+05:37` are no multiple of a quarter of an hour. */
export const isPlace = (timeZone: string): boolean => /^[A-Za-z]/.test(timeZone) && isTimeZone(timeZone);
