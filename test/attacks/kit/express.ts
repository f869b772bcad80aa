import { call, word } from "#mesh/testing/express.ts";
import { messages, paths } from "./http2.ts";

/** Methods by the slots that `sayWords` puts their names in; the token of a user is in slot 9. */
export const slots = {
  createTeam: 1,
  listTeams: 2,
  getTeam: 3,
  deleteTeam: 4,
  nothing: 5,
  token: 9,
} as const;

export const sayWords = Buffer.concat([
  word(slots.createTeam, paths.createTeam),
  word(slots.listTeams, paths.listTeams),
  word(slots.getTeam, paths.getTeam),
  word(slots.deleteTeam, paths.deleteTeam),
  word(slots.nothing, "/nothing"),
  word(slots.token, "Bearer test"),
]);

const bodies = {
  createTeam: messages.createTeam,
  listTeams: messages.listTeams,
  getTeam: messages.getTeam,
  deleteTeam: messages.getTeam,
  nothing: Buffer.alloc(0),
};

export type Method = keyof typeof bodies;

/** A call as any client would make it. */
export const callTo = (method: Method, id: number, more: Partial<Parameters<typeof call>[0]> = {}): Buffer =>
  call({
    id,
    method: slots[method],
    authorization: slots.token,
    message: bodies[method],
    timeoutMs: 30_000,
    ...more,
  });

export const many = (count: number, frame: (i: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => frame(i)));
