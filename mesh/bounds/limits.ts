/**
 * What one peer may take of a process. Each number is a bound on memory or time
 * that holds whatever the peer does; none is reached by a well-behaved client.
 */
export const serverLimits = {
  /** Largest message in either direction. */
  messageBytes: 4 * 1024 * 1024,
  /** Messages of all calls together that are held while the peer sends or reads them. */
  heldBytes: 256 * 1024 * 1024,
  /** The same of one HTTP/2 connection; it is given no new streams then. */
  connectionBytes: 64 * 1024 * 1024,
  /** Calls that are answered at the same time, all peers together; 45 KB each was measured. */
  calls: 8192,
  /** The same of one address. A gateway is one address too, so this is half, not a small part. */
  callsPerAddress: 4096,
  /** Open streams of health and reflection, which need no credentials: they have places of their own. */
  openStreams: 512,
  openStreamsPerAddress: 128,
  /** Connections of one port, all peers together. */
  connections: 4096,
  /** The same of one address. */
  connectionsPerAddress: 1024,
  /** Streams that may be open on one HTTP/2 connection (RFC 9113 §5.1.2). */
  streamsPerConnection: 128,
  /** Requests that may wait behind each other on one HTTP/1.1 connection. */
  pipelinedRequests: 16,
  /** All header fields of a request together, and how many there may be. */
  headerBytes: 16 * 1024,
  headerFields: 100,
  /** From the first byte of a connection or request to the end of its headers. */
  headersMs: 10_000,
  /** From the headers to the last byte of the body, however steadily it drips. */
  bodyMs: 30_000,
  /** How long a peer may go on sending a request that is already answered. */
  lingerMs: 2_000,
  /** How long an answer may lie unread before its connection is closed. */
  stalledReadMs: 20_000,
  /** How long a connection may be open without a request. */
  idleMs: 5 * 60_000,
  /** Streams that may end in an error within ten seconds on one connection (CVE-2023-44487 and kin). */
  resetsPerTenSeconds: 200,
  /** PING and SETTINGS frames within ten seconds on one connection (CVE-2019-9512, CVE-2019-9515). */
  controlFramesPerTenSeconds: 1000,
} as const;

export type ServerLimits = { readonly [K in keyof typeof serverLimits]: number };
