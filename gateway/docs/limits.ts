/**
 * What a contract can make the document grow to. Without these a contract of
 * 1 MB could ask for a document of any size.
 */

/** Operations in one document; the rest is counted in `x-left-out`. */
export const mostBindings = 20_000;
/** Query parameters of one operation; the rest is told of in words. */
export const mostQueryParameters = 100;
/** Messages within messages that a query parameter reaches into. */
export const mostQueryDepth = 5;
/** Characters of one comment. */
export const mostCommentLength = 4_000;
/** Messages within messages in an example, but for those that must be given. */
export const mostExampleDepth = 3;
/** The same for those that must be given; beyond it there is no example. */
export const mostNeededDepth = 8;
/** Values in one example. */
export const mostExampleValues = 100;
/** Items that an example makes up to satisfy `min_items`. */
export const mostExampleItems = 10;
/** Characters of a text that an example makes up. */
export const mostExampleLength = 200;
