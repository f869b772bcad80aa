import type { Active, Status } from "./status.ts";
import { isActive, isOver } from "./status.ts";

/** All that decides how a broadcast goes on. */
export interface State {
  readonly status: Status;
  /** What it goes on as; null when it is not paused. */
  readonly resumesAs: Active | null;
  /** Why it is paused or cancelled, when nobody asked for it. */
  readonly reason: string;
  /** Nothing more becomes of it. One that is cancelled may still have some on their way. */
  readonly finished: boolean;
  readonly waiting: number;
  /** On their way. */
  readonly sending: number;
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What became of those who were on their way. */
export interface Answered {
  /** To be tried again. */
  readonly back: number;
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What can happen to a broadcast. */
export type Happening =
  | { readonly kind: "schedule" }
  /** Its time has come. */
  | { readonly kind: "begin" }
  | { readonly kind: "found"; readonly recipients: number }
  | { readonly kind: "gathered" }
  | { readonly kind: "claimed"; readonly recipients: number }
  | ({ readonly kind: "answered" } & Answered)
  /** Whoever had them on their way is gone. */
  | { readonly kind: "lost"; readonly recipients: number }
  /** Users who waited are no more. */
  | { readonly kind: "gone"; readonly recipients: number }
  /** A notification arrived after it had failed, or the other way round. */
  | { readonly kind: "corrected"; readonly to: "sent" | "failed" }
  | { readonly kind: "pause"; readonly reason: string }
  | { readonly kind: "resume" }
  | { readonly kind: "cancel"; readonly reason: string };

export const recipientsOf = ({ waiting, sending, sent, failed, skipped }: State): number =>
  waiting + sending + sent + failed + skipped;

/** The state after it, or nothing when it cannot happen or changes nothing. */
export function advance(state: State, happening: Happening): State | undefined {
  const next = step(state, happening);
  return next && settled(next);
}

function step(state: State, happening: Happening): State | undefined {
  const { status, waiting, sending } = state;
  switch (happening.kind) {
    case "schedule":
      return status === "draft" || status === "scheduled" ? { ...state, status: "scheduled" } : undefined;
    case "begin":
      return status === "scheduled" ? { ...state, status: "gathering" } : undefined;
    case "found":
      return status === "gathering" ? { ...state, waiting: waiting + happening.recipients } : undefined;
    case "gathered":
      return status === "gathering" ? { ...state, status: "sending" } : undefined;
    case "claimed":
      return status === "sending" && happening.recipients <= waiting
        ? { ...state, waiting: waiting - happening.recipients, sending: sending + happening.recipients }
        : undefined;
    case "answered":
      return answered(state, happening);
    case "lost":
      return answered(state, { back: happening.recipients, sent: 0, failed: 0, skipped: 0 });
    case "gone":
      return !state.finished && happening.recipients <= waiting
        ? {
            ...state,
            waiting: waiting - happening.recipients,
            skipped: state.skipped + happening.recipients,
          }
        : undefined;
    case "corrected":
      return corrected(state, happening.to);
    case "pause":
      return isActive(status)
        ? { ...state, status: "paused", resumesAs: status, reason: happening.reason }
        : undefined;
    case "resume":
      return state.resumesAs ? { ...state, status: state.resumesAs, resumesAs: null, reason: "" } : undefined;
    case "cancel":
      return isOver(status)
        ? undefined
        : { ...state, status: "cancelled", resumesAs: null, reason: happening.reason };
  }
}

function answered(state: State, { back, sent, failed, skipped }: Answered): State | undefined {
  const all = back + sent + failed + skipped;
  if (all > state.sending) return undefined;
  return {
    ...state,
    sending: state.sending - all,
    waiting: state.waiting + back,
    sent: state.sent + sent,
    failed: state.failed + failed,
    skipped: state.skipped + skipped,
  };
}

function corrected(state: State, to: "sent" | "failed"): State | undefined {
  const from = to === "sent" ? "failed" : "sent";
  return state[from] > 0 ? { ...state, [from]: state[from] - 1, [to]: state[to] + 1 } : undefined;
}

/** Ends what has nobody left; those who wait for one that is cancelled are skipped. */
function settled(state: State): State {
  if (state.finished || state.sending > 0) return state;
  const { status, waiting, skipped } = state;
  if (status === "cancelled") return { ...state, finished: true, waiting: 0, skipped: skipped + waiting };
  const sends = status === "sending" || state.resumesAs === "sending";
  if (!sends || waiting > 0) return state;
  return { ...state, status: "completed", resumesAs: null, reason: "", finished: true };
}
