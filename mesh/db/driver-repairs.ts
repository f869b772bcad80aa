/** What is put in the place of what in the client for PostgreSQL; `driver.ts` says why it is. */
export interface Repair {
  readonly file: string;
  /** Stands in it once. */
  readonly at: string;
  readonly instead: string;
}

/** BEGIN as a statement of the extended protocol, without its end: Parse, Bind and Execute. */
function beginBytes(): Buffer {
  const message = (kind: string, body: Buffer) => {
    const head = Buffer.alloc(5);
    head.write(kind);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  return Buffer.concat([
    message("P", Buffer.from("\0begin\0\0\0")),
    message("B", Buffer.alloc(8)),
    message("E", Buffer.alloc(5)),
  ]);
}

export const repairs: readonly Repair[] = [
  {
    // A write that was put off may find that the socket is gone.
    file: "connection.js",
    at: "const x = socket.write(chunk, fn)",
    instead: `if (!socket) { chunk = nextWriteTimer = null; rejectAll(); return false }
    const x = socket.write(chunk, fn)`,
  },
  {
    // Nothing of one connection is left to the next: neither bytes nor queries that wait for an answer.
    file: "connection.js",
    at: "async function closed(hadError) {",
    instead:
      "async function closed(hadError) { clearImmediate(nextWriteTimer); chunk = nextWriteTimer = null; connection.begins = false; beginning = 0;",
  },
  {
    file: "connection.js",
    at: "!hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))",
    instead: "rejectAll()",
  },
  {
    file: "connection.js",
    at: "function errored(err) {",
    instead: `function rejectAll() {
    const lost = Errors.connection('CONNECTION_CLOSED', options, socket);
    if (stream) { stream.destroy(lost); stream = null }
    if (query) queryError(query, lost);
    while (sent.length) queryError(sent.shift(), lost);
    query = results = errorResponse = null;
    result = new Result()
  }
  function errored(err) {`,
  },
  {
    // A transaction ends with its connection, whatever else is asked of it.
    file: "index.js",
    at: "connection.onclose = reject)",
    instead: "connection.onclose = error => reject(lost = error))",
  },
  { file: "index.js", at: "let savepoints = 0", instead: "let lost; let savepoints = 0" },
  {
    file: "index.js",
    at: "q.catch(e => uncaughtError || (uncaughtError = e))",
    instead: "q.catch(e => uncaughtError || (uncaughtError = e)); if (lost) return q.reject(lost)",
  },
  {
    // BEGIN goes with the first statement instead of before it: one way to the server and back less for
    // each transaction. It has no end of its own (Sync), so nothing is done when it fails.
    file: "index.js",
    at: "await sql.unsafe('begin ' + options.replace(/[^a-z ]/ig, ''), [], { onexecute }).execute()",
    instead: `if (options !== '') await sql.unsafe('begin ' + options.replace(/[^a-z ]/ig, ''), [], { onexecute }).execute();
      else onexecute(await idle()), connection.begins = true`,
  },
  {
    file: "index.js",
    at: "async function reserve() {",
    instead: `async function idle() {
    if (ending) throw Errors.connection('CONNECTION_ENDED', options, options)
    return open.length
      ? open.shift()
      : new Promise((resolve, reject) => {
        const query = {
          reserve: c => { queries.remove(query); move(c, reserved); resolve(c) },
          reject: e => { queries.remove(query); reject(e) }
        }
        queries.push(query)
        closed.length && connect(closed.shift(), query)
      })
  }
  async function reserve() {`,
  },
  {
    // Whoever waits for a connection has it from when it is free, and is forgotten when it fails.
    file: "index.js",
    at: `const c = open.length
      ? open.shift()
      : await new Promise((resolve, reject) => {
        const query = { reserve: resolve, reject }
        queries.push(query)
        closed.length && connect(closed.shift(), query)
      })`,
    instead: "const c = await idle()",
  },
  {
    // Also when it had to be made anew for them.
    file: "connection.js",
    at: "initial && !initial.reserve && execute(initial)",
    instead:
      "const first = initial; initial = null; first.reserve ? first.reserve(connection) : execute(first)",
  },
  { file: "connection.js", at: "initial.reserve && (initial = null)", instead: "" },
  {
    file: "connection.js",
    at: "return write(toBuffer(q))",
    instead: `if (connection.begins) {
        connection.begins = false
        if (q.options.simple || q.cursorFn) {
          const first = new Query(['begin'], [], execute, () => {}, { simple: true })
          first.catch(() => {})
          if (query === q) { q.active = false; query = first; first.active = true } else { sent.remove(q); sent.push(first) }
          sent.push(q)
          first.state = backend
          build(first)
          write(toBuffer(first))
        } else beginning = 2, write(beginBytes)
      }
      return write(toBuffer(q))`,
  },
  {
    file: "connection.js",
    at: "    , needsTypes = options.fetch_types",
    instead: "    , beginning = 0\n    , needsTypes = options.fetch_types",
  },
  {
    file: "connection.js",
    at: "function CommandComplete(x) {",
    instead: "function CommandComplete(x) { if (beginning === 2) { beginning = 1; return }",
  },
  {
    // A transaction that did not begin: what was sent since would be done outside of any.
    file: "connection.js",
    at: "function ReadyForQuery(x) {",
    instead: `function ReadyForQuery(x) {
    const wasBeginning = beginning
    beginning = 0
    if (wasBeginning === 2) { rejectAll(); return socket && socket.destroy() }`,
  },
  {
    file: "connection.js",
    at: "module.exports = Connection",
    instead: `module.exports = Connection
const beginBytes = Buffer.from('${beginBytes().toString("base64")}', 'base64')`,
  },
];
