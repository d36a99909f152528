import { enum as oneOf, optional, strictObject } from "zod/mini";
import { newestFirst } from "./account.ts";
import { invalidRequest, notFound, unknownReference } from "./api_error.ts";
import { createPrice, createProduct } from "./catalog.ts";
import { set } from "./events.ts";
import { expand, flag, integer, mergeMetadata, metadata, paging, text } from "./params.ts";
import { page, type Route, route } from "./route.ts";

const retrieve = strictObject({ expand });

export const catalogRoutes: Route[] = [
  route(
    "POST",
    "/v1/products",
    strictObject({ id: optional(text), name: text, description: optional(text), metadata, expand }),
    (account, { id, name, description, metadata: given }) => {
      if (id !== undefined && account.tables.products.has(id)) {
        throw invalidRequest("Product already exists.", { code: "resource_already_exists", param: "id" });
      }
      return createProduct(account, { id, name, description, metadata: mergeMetadata(null, given) });
    },
  ),
  route("GET", "/v1/products", strictObject({ ...paging, active: optional(flag) }), (account, params) =>
    page("/v1/products", newestFirst(account.tables.products).filter(isOf(params.active)), params),
  ),
  route(
    "POST",
    "/v1/products/:id",
    strictObject({ active: optional(flag), name: optional(text), metadata, expand }),
    (account, params, id) => {
      const product = found(account.tables.products, "product", id);
      const { active = product.active, name = product.name } = params;
      const merged = mergeMetadata(product.metadata, params.metadata);
      set(product, { active, name, metadata: merged, updated: account.now() });
      return product;
    },
  ),
  route("GET", "/v1/products/:id", retrieve, ({ tables }, _, id) => found(tables.products, "product", id)),
  route(
    "POST",
    "/v1/prices",
    strictObject({
      currency: text,
      product: text,
      unit_amount: integer,
      recurring: optional(
        strictObject({
          interval: oneOf(["day", "week", "month", "year"]),
          interval_count: optional(integer),
        }),
      ),
      nickname: optional(text),
      lookup_key: optional(text),
      metadata,
      expand,
    }),
    (account, params) => {
      if (!account.tables.products.has(params.product)) {
        throw unknownReference("product", params.product, "product");
      }
      return createPrice(account, {
        product: params.product,
        currency: params.currency.toLowerCase(),
        unitAmount: params.unit_amount,
        recurring: params.recurring
          ? { interval: params.recurring.interval, intervalCount: params.recurring.interval_count ?? 1 }
          : null,
        nickname: params.nickname,
        lookupKey: params.lookup_key,
        metadata: mergeMetadata(null, params.metadata),
      });
    },
  ),
  route(
    "GET",
    "/v1/prices",
    strictObject({ ...paging, product: optional(text), active: optional(flag) }),
    (account, params) => {
      const { product } = params;
      const rows = newestFirst(account.tables.prices)
        .filter(isOf(params.active))
        .filter((row) => !product || row.product === product);
      return page("/v1/prices", rows, params);
    },
  ),
  route(
    "POST",
    "/v1/prices/:id",
    strictObject({ active: optional(flag), nickname: optional(text), metadata, expand }),
    (account, params, id) => {
      const price = found(account.tables.prices, "price", id);
      const { active = price.active, nickname = price.nickname } = params;
      set(price, { active, nickname, metadata: mergeMetadata(price.metadata, params.metadata) });
      return price;
    },
  ),
  route("GET", "/v1/prices/:id", retrieve, ({ tables }, _, id) => found(tables.prices, "price", id)),
  route("GET", "/v1/coupons/:id", retrieve, ({ tables }, _, id) => found(tables.coupons, "coupon", id)),
  route("GET", "/v1/promotion_codes/:id", retrieve, ({ tables }, _, id) =>
    found(tables.promotionCodes, "promotion code", id),
  ),
  route(
    "GET",
    "/v1/promotion_codes",
    strictObject({ ...paging, code: optional(text), active: optional(flag) }),
    (account, params) => {
      const code = params.code?.toLowerCase();
      const rows = newestFirst(account.tables.promotionCodes)
        .filter(isOf(params.active))
        .filter((row) => code === undefined || row.code.toLowerCase() === code);
      return page("/v1/promotion_codes", rows, params);
    },
  ),
];

const isOf = (wanted: boolean | undefined) => (row: { active: boolean }) =>
  wanted === undefined || row.active === wanted;

function found<Row extends object>(table: ReadonlyMap<string, Row>, what: string, id: string): Row {
  const row = table.get(id);
  if (row === undefined) throw notFound(what, id);
  return row;
}
