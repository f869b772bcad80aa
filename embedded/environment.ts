/** Only what a server needs: a PGPORT or PGDATA of the user's shell must not reach it. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH = "/usr/bin:/bin", HOME = "/", TMPDIR } = process.env;
  // English messages: the explanations of failures read them.
  return { PATH, HOME, LC_ALL: "C", TZ: "UTC", ...(TMPDIR && { TMPDIR }) };
}
