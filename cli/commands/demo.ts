import type { Command } from "../command.ts";
import { usageError } from "../command.ts";
import { fillCommerce } from "../demo/commerce.ts";
import { createProgress, fields, print, printJson } from "../terminal.ts";

export const demo: Command = {
  name: "demo",
  summary: "Fill the running platform with believable data (development only)",
  usage: `commerce [--json]

  commerce   sellers with goods and stock, customers with orders: paid, sent, called
             off, declined, and one that waits for its money; news that a seller sent
             to those who bought, and figures of who looked at what

A second run adds nothing: what is there stays as it is. Sign in as one of them with
npx weft token --role Seller --email seller-1@example.com`,
  flags: {},
  run: async ({ words, flags, workspace }) => {
    if (words.length !== 1 || words[0] !== "commerce")
      throw usageError("say which: weft demo commerce", demo);
    const progress = createProgress();
    try {
      const filled = await fillCommerce(workspace, progress.step);
      progress.done();
      if (flags.json) printJson(filled);
      else {
        const orders = Object.entries(filled.orders).map(
          ([name, count]) => `${count} ${name.replaceAll("_", " ")}`,
        );
        print(
          fields([
            ["sellers", filled.sellers.join(", ")],
            ["customers", filled.customers.join(", ")],
            ["products", String(filled.products)],
            ["orders", orders.join(", ")],
            ["news", `to ${filled.news} who bought`],
            ["looks", `${filled.looks} at products`],
          ]),
        );
      }
    } finally {
      progress.done();
    }
    return 0;
  },
};
