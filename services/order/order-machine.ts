import type { Amount, Happening, OrderState, Outcome, PaymentState, Step } from "./order-state.ts";
import type { Actor, Status } from "./status.ts";
import { isBeforeShipping, isOff, isPaid, successors } from "./status.ts";

/**
 * How an order goes on: its state and what happened give its new state and what
 * is due next, or nothing when it is as it was. Everything may be told twice
 * and, since each service tells in its own time, in any order.
 */
export function advance(state: OrderState, happening: Happening): Outcome | undefined {
  switch (happening.kind) {
    case "reserved":
      return isNext(state, "reserve") ? reserved(state, happening.total, happening.payByMs) : undefined;
    case "refused":
      return isNext(state, "reserve") ? refused(state, happening.reason) : undefined;
    case "unsellable":
      return isNext(state, "reserve")
        ? change(state, "failed", happening.reason, "system", ["release_stock"])
        : undefined;
    case "stock_committed":
      return isNext(state, "commit_stock") ? done(state) : undefined;
    case "stock_gone":
      return isNext(state, "commit_stock") ? callOff(state, happening.reason, "system") : undefined;
    case "stock_released":
      return isNext(state, "release_stock") ? done(state) : undefined;
    case "payment_closed":
      return happening.settled && isNext(state, "close_payment") ? done(state) : undefined;
    case "paid":
      return paid(state, happening.paymentId, happening.amount);
    case "payment_failed":
      return state.status === "awaiting_payment" ? note(state, happening.reason) : undefined;
    case "refund":
      return refunded(state, happening);
    case "time_over":
      return timeOver(state, happening.nowMs);
    case "cancel":
      return isCancellable(state.status)
        ? callOff(state, `cancelled_by_${happening.by}`, happening.by)
        : undefined;
    case "advance":
      return isNextForSeller(state, happening.to)
        ? change(state, happening.to, "", happening.by, [])
        : undefined;
  }
}

export const isCancellable = (status: Status): boolean => successors[status].includes("cancelling");

const forward: readonly Status[] = ["paid", "processing", "shipped", "delivered"];

/** The seller goes forward step by step, and only once the stock is hers to send. */
export function isNextForSeller({ status, due }: OrderState, to: Status): boolean {
  const at = forward.indexOf(status);
  return at >= 0 && forward[at + 1] === to && due.length === 0;
}

const isNext = (state: OrderState, step: Step) => state.due[0] === step;

function change(state: OrderState, to: Status, reason: string, by: Actor, due: readonly Step[]): Outcome {
  const next = { ...state, status: to, reason: isOff(to) ? reason || state.reason : state.reason };
  return { state: withDue(next, due), history: [{ status: to, reason, by }] };
}

function withDue(state: OrderState, due: readonly Step[]): OrderState {
  return { ...state, due, round: due.length > 0 ? state.round + 1 : state.round, tries: 0 };
}

function note(state: OrderState, reason: string): Outcome {
  return { state, history: [{ status: state.status, reason, by: "system" }] };
}

/** The step in hand is done. The last one ends the cancelling. */
function done(state: OrderState): Outcome {
  const due = state.due.slice(1);
  if (due.length === 0 && state.status === "cancelling") {
    return change(state, "cancelled", state.reason, "system", []);
  }
  return { state: withDue(state, due), history: [] };
}

/** Who asked once knows by the answer that nothing is held; of several that were asked, another may still hold some. */
const refused = (state: OrderState, reason: string): Outcome =>
  change(state, "failed", reason, "system", state.tries > 1 ? ["release_stock"] : []);

function reserved(state: OrderState, total: Amount, payByMs: number): Outcome {
  const priced = { ...state, total, payByMs };
  const waiting = change(priced, "awaiting_payment", "", "system", []);
  if (total.minorUnits > 0n) return waiting;
  const free = change(waiting.state, "paid", "nothing_to_pay", "system", ["commit_stock"]);
  return { state: free.state, history: [...waiting.history, ...free.history] };
}

/** Nothing can have been paid before the stock was held: then there is nothing to close. */
function callOff(state: OrderState, reason: string, by: Actor): Outcome {
  const due: Step[] = state.status === "pending" ? ["release_stock"] : ["close_payment", "release_stock"];
  return change(state, "cancelling", reason, by, due);
}

function timeOver(state: OrderState, nowMs: number): Outcome | undefined {
  if (nowMs < state.payByMs) return undefined;
  if (state.status === "pending") return callOff(state, "not_held_in_time", "system");
  if (state.status === "awaiting_payment") return callOff(state, "not_paid_in_time", "system");
  return undefined;
}

function paid(before: OrderState, id: string, amount: Amount): Outcome | undefined {
  const known = paymentOf(before, id);
  if (known.charged !== null) return undefined;
  const payment = { ...known, charged: amount.minorUnits };
  const heard = withPayment(before, payment);
  const state = { ...heard, paymentId: heard.paymentId ?? id };
  if (isPaid(state.status)) return note(state, "paid_again");
  // Also when a refund of it was heard of already: what is paid for nothing is closed once too often rather than never.
  if (isOff(state.status)) return { state: closing(state), history: [] };
  const { total } = state;
  if (state.status === "pending" || !total || !same(total, amount)) return mismatched(state);
  const isPaidNow = change(state, "paid", "", "system", ["commit_stock"]);
  if (!isBack(payment)) return isPaidNow;
  const isBackNow = sentBack(isPaidNow.state);
  return { state: isBackNow.state, history: [...isPaidNow.history, ...isBackNow.history] };
}

const same = (a: Amount, b: Amount) => a.currency === b.currency && a.minorUnits === b.minorUnits;

/** Not what the order costs: it is given back, and the order is off, since nobody knows what was meant. */
function mismatched(state: OrderState): Outcome {
  return change(state, "cancelling", "wrong_amount", "system", ["close_payment", "release_stock"]);
}

/** Money came for an order that is off: it is to go back, before or after what else is due. */
function closing(state: OrderState): OrderState {
  const rest = state.due.filter((step) => step !== "close_payment");
  return withDue(state, ["close_payment", ...rest]);
}

function refunded(
  before: OrderState,
  { paymentId, refunded: sum, inFull }: Extract<Happening, { kind: "refund" }>,
): Outcome | undefined {
  const known = paymentOf(before, paymentId);
  if (sum <= known.refunded && inFull === known.inFull) return undefined;
  const payment = {
    ...known,
    refunded: sum > known.refunded ? sum : known.refunded,
    inFull: inFull || known.inFull,
  };
  const state = withPayment(before, payment);
  // The payment service is asked whether that was all: it alone knows of every payment.
  if (isNext(state, "close_payment")) return { state: closing(state), history: [] };
  if (paymentId !== state.paymentId || !isPaid(state.status)) return { state, history: [] };
  return isBack(payment) ? sentBack(state) : note(state, "partly_refunded");
}

/** All the money went back. Goods that are not on their way stay, and are free again. */
const sentBack = (state: OrderState): Outcome =>
  change(state, "refunded", "refunded", "system", isBeforeShipping(state.status) ? ["release_stock"] : []);

const isBack = ({ charged, refunded: sum, inFull }: PaymentState) =>
  charged !== null && (inFull || sum >= charged);

const paymentOf = ({ payments }: OrderState, id: string): PaymentState =>
  payments.find((it) => it.id === id) ?? { id, charged: null, refunded: 0n, inFull: false };

const withPayment = (state: OrderState, payment: PaymentState): OrderState => ({
  ...state,
  payments: [...state.payments.filter(({ id }) => id !== payment.id), payment],
});

/** What of the payment that counts went back so far. */
export const refundedOf = ({ payments, paymentId }: OrderState): bigint =>
  payments.find(({ id }) => id === paymentId)?.refunded ?? 0n;
