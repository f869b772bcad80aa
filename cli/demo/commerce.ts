import { OrderStatus } from "#gen/order/v1/order_pb.js";
import { PaymentStatus } from "#gen/payment/v1/payment_pb.js";
import type { Product } from "#gen/product/v1/product_pb.js";
import { ProductStatus } from "#gen/product/v1/product_pb.js";
import { fail } from "#mesh/errors.ts";
import type { Workspace } from "../workspace.ts";
import type { Goods, Purchase } from "./goods.ts";
import { goods, purchases } from "./goods.ts";
import { lookAround, sendNews } from "./news.ts";
import { insist, until } from "./patience.ts";
import type { Person } from "./person.ts";
import { peopleOf } from "./person.ts";

export interface Filled {
  readonly sellers: readonly string[];
  readonly customers: readonly string[];
  readonly products: number;
  /** By status. */
  readonly orders: Readonly<Record<string, number>>;
  /** How many the news of a seller went to. */
  readonly news: number;
  /** How often somebody looked at a product. */
  readonly looks: number;
}

const sellers = ["seller-1@example.com", "seller-2@example.com"];
const customers = ["customer-1@example.com", "customer-2@example.com", "customer-3@example.com"];
/** Fills the platform with sellers, goods and orders; what is there already stays as it is. */
export async function fillCommerce(workspace: Workspace, tell: (text: string) => void): Promise<Filled> {
  const someone = await peopleOf(workspace);
  tell("Sellers and customers");
  const selling = await inTurn(sellers, (email) => someone(email, "Seller"));
  const buying = await inTurn(customers, (email) => someone(email, "Customer"));
  tell("Products and their stock");
  const products = new Map<string, Product>();
  for (const it of goods) products.set(it.sku, await offer(personOf(selling, it.seller), it));
  const statuses: OrderStatus[] = [];
  for (const [index, purchase] of purchases.entries()) {
    tell(`Order ${index + 1} of ${purchases.length}`);
    const product = products.get(purchase.sku);
    const seller = goods.find(({ sku }) => sku === purchase.sku)?.seller ?? 0;
    if (!product) continue;
    const people = { customer: personOf(buying, purchase.customer), seller: personOf(selling, seller) };
    statuses.push(await buy(people, product, purchase, `weft-demo-${index}`));
  }
  tell("News to those who bought, and who looked at what");
  const news = await sendNews(personOf(selling, 0), "weft-demo-news");
  const shown = [...products.values()].filter(({ status }) => status === ProductStatus.ON_SALE);
  const looks = await inTurn(buying, (person) => lookAround(person, shown, Date.now()));
  const orders = Object.groupBy(statuses, (status) => OrderStatus[status].toLowerCase());
  return {
    sellers,
    customers,
    products: products.size,
    orders: Object.fromEntries(Object.entries(orders).map(([name, of]) => [name, of?.length ?? 0])),
    news,
    looks: looks.reduce((sum, it) => sum + it, 0),
  };
}

/** One after the other: all their passwords are kept in one file. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}

const personOf = (people: readonly Person[], index: number): Person => given(people[index], "a person");

function given<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw fail.internal("demo_failed", `${what} of the demonstration is not there`);
  return value;
}

/** Offers it, unless its seller does already. */
async function offer({ products }: Person, it: Goods): Promise<Product> {
  const known = (await products.listProducts({ query: `"${it.name}"` })).products.find(({ variants }) =>
    variants[0]?.sku.startsWith(it.sku),
  );
  if (known) return known;
  const { product: made } = await products.createProduct({
    name: it.name,
    description: it.description,
    category: it.category,
    price: { currency: it.currency, minorUnits: it.minorUnits },
    status: it.status ?? ProductStatus.ON_SALE,
    variants: (it.variants ?? [{ name: "", attributes: {} }]).map((variant, index) => ({
      ...variant,
      sku: it.variants ? `${it.sku}-${index + 1}` : it.sku,
    })),
  });
  const product = given(made, "a product");
  for (const { id } of product.variants) {
    await products.setStock({
      id: product.id,
      variantId: id,
      change: { case: "available", value: it.stock },
      lowStockThreshold: 5,
    });
  }
  return product;
}

/** Buys it, under a key that makes a second run the same order. */
async function buy(
  { customer, seller }: { customer: Person; seller: Person },
  product: Product,
  { quantity, card, sent, cancelled }: Purchase,
  key: string,
): Promise<OrderStatus> {
  const headers = { "idempotency-key": key };
  const lines = [{ productId: product.id, variantId: product.variants[0]?.id ?? "", quantity }];
  const { order } = await customer.orders.createOrder({ lines }, { headers });
  const { id } = given(order, "an order");
  const statusOf = async () =>
    (await customer.orders.getOrder({ id })).order?.status ?? OrderStatus.UNSPECIFIED;
  if (!card || (await statusOf()) !== OrderStatus.AWAITING_PAYMENT) return statusOf();

  const method = { case: "card" as const, value: { token: card } };
  const { payment } = await customer.payments.createPayment({ orderId: id, method }, { headers });
  if (payment?.status === PaymentStatus.FAILED) return statusOf();
  await until(async () => (await statusOf()) === OrderStatus.PAID);
  if (sent) {
    for (const status of [OrderStatus.PROCESSING, OrderStatus.SHIPPED]) {
      // Its stock may be about to be booked as sold, which comes first.
      await insist(() => seller.orders.updateOrderStatus({ id, status }));
    }
  }
  if (cancelled) {
    await customer.orders.cancelOrder({ id, reason: "ordered too many" });
    await until(async () => (await statusOf()) === OrderStatus.CANCELLED);
  }
  return statusOf();
}
