import { advance } from "../order-machine.ts";
import type { Entry, Happening, OrderState, Step } from "../order-state.ts";
import type { Actor, Status } from "../status.ts";

/** One thing that goes on around an order; numbers choose among what there is. */
export type Move =
  | { readonly do: "ask"; readonly refuses: boolean; readonly pricey: boolean; readonly instant: boolean }
  | { readonly do: "answer"; readonly which: number; readonly lost: boolean }
  | { readonly do: "hear"; readonly which: number; readonly again: boolean }
  | { readonly do: "look" }
  | { readonly do: "pay" }
  | { readonly do: "charge"; readonly declined: boolean }
  | { readonly do: "refund"; readonly part: number }
  | { readonly do: "refunds_arrive" }
  | { readonly do: "cancel"; readonly by: Actor }
  | { readonly do: "forward"; readonly to: Status }
  | { readonly do: "hold_expires" }
  | { readonly do: "time_over" };

interface Payment {
  readonly id: string;
  state: "under_way" | "charged" | "failed";
  refunded: number;
  refunding: number;
}

/** Where the stock of the one order is, as the product service keeps it. */
export type Stock = "none" | "held" | "expired" | "sold" | "released";

const pick = <T>(list: readonly T[], which: number): T | undefined => list[which % Math.max(1, list.length)];

/**
 * One order with a product and a payment service around it that do what their
 * contracts say, and a network on which answers come late or never and events
 * in any order, twice too.
 */
export function createShop(total: number) {
  let order: OrderState = {
    status: "pending",
    due: ["reserve"],
    round: 1,
    tries: 0,
    reason: "",
    payByMs: 100,
    total: null,
    paymentId: null,
    payments: [],
  };
  const history: Entry[] = [{ status: "pending", reason: "", by: "customer" }];
  let stock: Stock = "none";
  let closed = false;
  let seen: Status = "pending";
  const payments: Payment[] = [];
  const answers: { round: number; happening: Happening }[] = [];
  const events: Happening[] = [];
  const amount = { currency: "USD", minorUnits: BigInt(total) };

  const happen = (happening: Happening) => {
    const outcome = advance(order, happening);
    if (!outcome) return;
    order = outcome.state;
    history.push(...outcome.history);
  };
  const active = () => payments.find(({ state }) => state !== "failed");
  const tellRefund = (it: Payment) =>
    events.push({
      kind: "refund",
      paymentId: it.id,
      refunded: BigInt(it.refunded),
      inFull: it.refunded === total,
    });
  const startRefund = (it: Payment, part: number) => {
    it.refunding += Math.min(part, total - it.refunded - it.refunding);
  };
  const arriveRefunds = () => {
    for (const it of payments.filter(({ refunding }) => refunding > 0)) {
      it.refunded += it.refunding;
      it.refunding = 0;
      tellRefund(it);
    }
  };
  const isSettled = () => payments.every((it) => it.state !== "charged" || it.refunded === total);

  const doStep: Record<Step, (move: { refuses: boolean; pricey: boolean; instant: boolean }) => Happening> = {
    reserve: ({ refuses, pricey }) => {
      if (stock === "released" || stock === "expired" || (stock === "none" && refuses)) {
        return { kind: "refused", reason: "out_of_stock" };
      }
      if (stock === "none") stock = "held";
      if (pricey) return { kind: "unsellable", reason: "price_changed" };
      return { kind: "reserved", total: amount, payByMs: 100 };
    },
    commit_stock: ({ refuses }) => {
      if (stock === "held" || (stock === "expired" && !refuses)) stock = "sold";
      return stock === "sold"
        ? { kind: "stock_committed" }
        : { kind: "stock_gone", reason: "reservation_expired" };
    },
    release_stock: () => {
      stock = "released";
      return { kind: "stock_released" };
    },
    close_payment: ({ refuses, instant }) => {
      closed = true;
      for (const it of payments) {
        // The provider may be faster, and whoever is told of that late must be asked again.
        if (it.state === "under_way" && !refuses) it.state = "failed";
        if (it.state === "charged") startRefund(it, total);
      }
      if (instant) arriveRefunds();
      return { kind: "payment_closed", settled: isSettled() };
    },
  };

  const moves: { [K in Move["do"]]: (move: Extract<Move, { do: K }>) => void } = {
    ask: (move) => {
      const [step] = order.due;
      if (!step) return;
      order = { ...order, tries: order.tries + 1 };
      answers.push({ round: order.round, happening: doStep[step](move) });
    },
    answer: ({ which, lost }) => {
      const it = pick(answers, which);
      if (!it) return;
      answers.splice(answers.indexOf(it), 1);
      if (!lost && it.round === order.round) happen(it.happening);
    },
    hear: ({ which, again }) => {
      const it = pick(events, which);
      if (!it) return;
      happen(it);
      if (!again) events.splice(events.indexOf(it), 1);
    },
    look: () => {
      seen = order.status;
    },
    // What the payment service saw of the order may be old by the time it begins.
    pay: () => {
      if (seen !== "awaiting_payment" || closed || active()) return;
      payments.push({ id: `p${payments.length}`, state: "under_way", refunded: 0, refunding: 0 });
    },
    charge: ({ declined }) => {
      const it = payments.find(({ state }) => state === "under_way");
      if (!it) return;
      it.state = declined ? "failed" : "charged";
      events.push(
        declined
          ? { kind: "payment_failed", reason: "card_declined" }
          : { kind: "paid", paymentId: it.id, amount },
      );
    },
    refund: ({ part }) => {
      const it = payments.find(({ state }) => state === "charged");
      if (it) startRefund(it, part);
    },
    refunds_arrive: arriveRefunds,
    cancel: ({ by }) => happen({ kind: "cancel", by }),
    forward: ({ to }) => happen({ kind: "advance", to, by: "seller" }),
    hold_expires: () => {
      if (stock === "held") stock = "expired";
    },
    time_over: () => happen({ kind: "time_over", nowMs: 100 }),
  };

  return {
    move: <K extends Move["do"]>(move: Extract<Move, { do: K }>) => moves[move.do as K](move),
    /** Nobody does anything more but what is due, and all that is under way arrives. */
    settle: () => {
      for (let round = 0; round < 20; round++) {
        for (const it of payments)
          if (it.state === "under_way") moves.charge({ do: "charge", declined: false });
        arriveRefunds();
        while (events.length > 0) moves.hear({ do: "hear", which: 0, again: false });
        answers.length = 0;
        moves.time_over({ do: "time_over" });
        for (let steps = 0; steps < 10 && order.due.length > 0; steps++) {
          moves.ask({ do: "ask", refuses: false, pricey: false, instant: true });
          moves.answer({ do: "answer", which: 0, lost: false });
        }
      }
    },
    get order() {
      return order;
    },
    get stock() {
      return stock;
    },
    history,
    /** What the customer is out of pocket. */
    charged: () => payments.reduce((sum, it) => sum + (it.state === "charged" ? total - it.refunded : 0), 0),
    events,
  };
}
