/**
 * A path of the platform, or nothing. What begins like it and yet leads away is
 * none: browsers take `//` and `/\` for the beginning of another address, and
 * leave out white space.
 */
export const leadsInside = (link: string): boolean => link === "" || /^\/([^/\\\s]\S*)?$/.test(link);
