import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ProductCreatedSchema, ProductUpdatedSchema } from "#gen/product/v1/events_pb.js";
import type { ProductService } from "#gen/product/v1/product_pb.js";
import type { Database, Events, Handlers, Query } from "#mesh";
import { fail, fitting, newId, pageSize, requireUser, violates } from "#mesh";
import { toDraft, toRows } from "./catalogue.ts";
import { toProduct } from "./present.ts";
import { changedFields, newDraft, updatedDraft } from "./product-draft.ts";
import { wantedOf } from "./product-filters.ts";
import { pageOfProducts } from "./product-page.ts";
import type { ProductRow } from "./products-store.ts";
import { findProduct, insertProduct, lockProduct, saveProduct } from "./products-store.ts";
import { skuTaken } from "./refusals.ts";
import { mayChange, requireMayChange, requireVisible } from "./rights.ts";
import { tellOfStocks } from "./stock-events.ts";
import { replay, setMove } from "./stock-moves.ts";
import { addStocks, moveStocks } from "./stocks-store.ts";
import { removeVariants, saveVariants, uniqueSku, variantsOf } from "./variants-store.ts";

export interface ProductsOptions {
  db: Database;
  events: Events;
  now: () => number;
}

type ProductHandlers = Omit<Handlers<typeof ProductService>, "getStock" | "setStock">;

export function products({ db, events, now }: ProductsOptions): ProductHandlers {
  const shown = async (query: Query, product: ProductRow) =>
    toProduct(product, await variantsOf(query, [product.id]));

  const tellOfUpdate = (product: ProductRow, fields: readonly string[], tx: Query) =>
    events.publish(
      ProductUpdatedSchema,
      {
        productId: product.id,
        sellerId: product.sellerId,
        fields: [...fields],
        deleted: product.deletedAt !== null,
        updatedAt: timestampFromDate(product.updatedAt),
      },
      tx,
    );

  return {
    async createProduct(request, call) {
      const sellerId = requireUser(call).id.toLowerCase();
      const draft = newDraft(request);
      if (request.stock > 0 && draft.variants.length > 1) {
        throw fail.invalid("variant_required", "stock: there are several variants to have it", {
          remedy: "leave it out and set the stock of each",
        });
      }
      const at = new Date(now());
      const kept = { id: newId(at.getTime()), sellerId, createdAt: at, deletedAt: null };
      const { product, variants } = toRows(draft, kept, at);
      return db
        .transaction(async (tx) => {
          await insertProduct(tx, product);
          await saveVariants(tx, variants);
          await addStocks(tx, variants.map(stockOf(at)));
          await events.publish(
            ProductCreatedSchema,
            { productId: product.id, sellerId, category: product.category, createdAt: timestampFromDate(at) },
            tx,
          );
          const moves = variants.flatMap(({ id }) => (request.stock > 0 ? setMove(id, request.stock) : []));
          const { before } = await moveStocks(tx, moves, at);
          await tellOfStocks(events, replay(before, moves, at), tx);
          return { product: await shown(tx, product) };
        })
        .catch(skuClash);
    },

    async getProduct({ id }, call) {
      const product = requireVisible(call, await findProduct(db.sql, id));
      return { product: await shown(db.sql, product) };
    },

    async listProducts(request, call) {
      const page = await pageOfProducts(db.sql, {
        wanted: wantedOf(request, call),
        orderBy: request.orderBy,
        size: pageSize(request.pageSize),
        token: request.pageToken,
      });
      const ids = page.rows.map(({ id }) => id);
      const variants = Map.groupBy(await variantsOf(db.sql, ids), ({ productId }) => productId);
      const { messages, nextPageToken } = fitting(
        page,
        (row) => toProduct(row, variants.get(row.id) ?? []),
        page.keyOf,
      );
      return { products: messages, nextPageToken };
    },

    async updateProduct({ id, product: given, updateMask }, call) {
      if (!given) throw fail.invalid("product_required", "product: there is none to change it to");
      return db
        .transaction(async (tx) => {
          const product = requireMayChange(call, await lockProduct(tx, id));
          const current = { product, variants: await variantsOf(tx, [id]) };
          const before = toDraft(current);
          const after = updatedDraft(before, given, updateMask);
          const fields = changedFields(before, after);
          if (fields.length === 0) return { product: await shown(tx, product) };
          const at = new Date(now());
          const next = toRows(after, product, at);
          const saved = await saveProduct(tx, next.product);
          if (fields.includes("variants")) {
            const [old, kept] = [idsOf(current.variants), idsOf(next.variants)];
            await removeVariants(tx, [...old.difference(kept)], at);
            await saveVariants(tx, next.variants);
            await addStocks(tx, next.variants.filter((it) => !old.has(it.id)).map(stockOf(at)));
          }
          await tellOfUpdate(saved, fields, tx);
          return { product: await shown(tx, saved) };
        })
        .catch(skuClash);
    },

    async deleteProduct({ id }, call) {
      await db.transaction(async (tx) => {
        const product = await lockProduct(tx, id);
        // Who says it again is told the same; to others it is not there.
        if (product?.deletedAt && mayChange(call, product)) return;
        const current = requireMayChange(call, product);
        const at = new Date(now());
        const saved = await saveProduct(tx, { ...current, updatedAt: at, deletedAt: at });
        await removeVariants(tx, [...idsOf(await variantsOf(tx, [id]))], at);
        await tellOfUpdate(saved, [], tx);
      });
      return {};
    },
  };
}

const idsOf = (rows: readonly { readonly id: string }[]): Set<string> => new Set(rows.map(({ id }) => id));

const stockOf =
  (updatedAt: Date) =>
  ({ id, productId, sellerId }: { id: string; productId: string; sellerId: string }) => ({
    variantId: id,
    productId,
    sellerId,
    updatedAt,
  });

function skuClash(error: unknown): never {
  throw violates(error, uniqueSku) ? skuTaken() : error;
}
