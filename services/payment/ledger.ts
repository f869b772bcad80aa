import type { LedgerService } from "#gen/payment/v1/payment_pb.js";
import type { Database, Handlers } from "#mesh";
import { canonicalId, cleanText, decodePage, paged, pagePart, pageSize } from "#mesh";
import { balances, isBalanced, listEntries } from "./ledger-store.ts";
import { toEntry } from "./present.ts";

export const ledger = (db: Database): Handlers<typeof LedgerService> => ({
  async listLedgerEntries({ pageSize: wanted, pageToken, account, paymentId }) {
    const size = pageSize(wanted);
    const rows = await listEntries(db.sql, {
      account: account ? cleanText(account) : undefined,
      paymentId: paymentId ? canonicalId(paymentId) : undefined,
      beforeId: decodePage(pageToken, [pagePart.uuid])?.[0],
      limit: size + 1,
    });
    const page = paged(rows, size, ({ id }) => [id]);
    return { entries: page.rows.map(toEntry), nextPageToken: page.nextPageToken };
  },

  async getBalances({ accountPrefix }) {
    const rows = await balances(db.sql, cleanText(accountPrefix));
    return { balances: rows, balanced: await isBalanced(db.sql) };
  },
});
