/**
 * The express lane's form on the wire. Both sides greet with the preface; then
 * frames go both ways, as many calls at once as there are ids:
 *
 *   length u32   of what follows it
 *   kind   u8
 *   …            as below; numbers are big-endian
 *
 *   WORD    slot u16, text                       a text that will be said often, said once
 *   CALL    id u32, method u16, authorization u16, statement u16, timeout ms u32,
 *           request id, correlation id, traceparent (text8 each), fields, message
 *   CANCEL  id u32
 *   ANSWER  id u32, header fields, trailer fields, message
 *   FAILURE id u32, code u8, flags u8 (1 processed, 2 passed on), message text, detail count u16,
 *           details (type text, bytes u32 + value), fields
 *   AWAY    nothing                              the server takes no further calls here
 *   PING, PONG  nothing
 *
 * A timeout of 0 is none. text8 has a length of u8, text one of u16, `fields` a count of u16 and that
 * many pairs of texts. A slot of 0 is no text.
 *
 * Why not HTTP: measured on the same machine with the same codecs and 64 calls
 * in flight, a bare HTTP/1.1 exchange with a socket for each costs 14 µs a side
 * and this 4, since one read and one write carry many calls, and since names
 * and tokens are sent once for each connection.
 */
export const preface = Buffer.from("WEFT/1\r\n\r\n");

export const kinds = {
  word: 1,
  call: 2,
  cancel: 3,
  answer: 4,
  failure: 5,
  away: 6,
  ping: 7,
  pong: 8,
} as const;

export const wireLimits = {
  /** Larger requests take the general lane: they would hold up all others on the connection. */
  requestBytes: 256 * 1024,
  /** Metadata of one call or answer. */
  metadataBytes: 64 * 1024,
  /** How many fields one set of them may have. */
  fields: 256,
  /** Texts that a server keeps for a connection. */
  words: 512,
  /** Longest of them. */
  wordBytes: 8 * 1024,
} as const;

/** A peer that does not keep to the form; its connection cannot be used further. */
export class FrameError extends Error {}
