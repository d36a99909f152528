import { enum as oneOf, optional, strictObject } from "zod/mini";
import { createPrice, createProduct } from "#local/stripe/catalogue.ts";
import { expand, flag, mergeMetadata, metadata, paging, text, whole } from "#local/stripe/params.ts";
import { invalidRequest, missing, missingReference } from "#local/stripe/refusal.ts";
import { page, type Route, route } from "#local/stripe/route.ts";
import { newestFirst } from "#local/stripe/world.ts";

const retrieve = strictObject({ expand });

export const catalogueRoutes: Route[] = [
  route(
    "POST",
    "/v1/products",
    strictObject({ id: optional(text), name: text, description: optional(text), metadata, expand }),
    (world, { id, name, description, metadata: given }) => {
      if (id !== undefined && world.tables.products.has(id)) {
        throw invalidRequest("Product already exists.", { code: "resource_already_exists", param: "id" });
      }
      return createProduct(world, { id, name, description, metadata: mergeMetadata(null, given) });
    },
  ),
  route("GET", "/v1/products", strictObject({ ...paging, active: optional(flag) }), (world, params) =>
    page("/v1/products", newestFirst(world.tables.products), params),
  ),
  route("GET", "/v1/products/:id", retrieve, ({ tables }, _, id) => found(tables.products, "product", id)),
  route(
    "POST",
    "/v1/prices",
    strictObject({
      currency: text,
      product: text,
      unit_amount: whole,
      recurring: optional(
        strictObject({
          interval: oneOf(["day", "week", "month", "year"]),
          interval_count: optional(whole),
        }),
      ),
      nickname: optional(text),
      lookup_key: optional(text),
      metadata,
      expand,
    }),
    (world, params) => {
      if (!world.tables.products.has(params.product)) {
        throw missingReference("product", params.product, "product");
      }
      return createPrice(world, {
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
    (world, params) => {
      const { product } = params;
      const rows = newestFirst(world.tables.prices).filter((row) => !product || row.product === product);
      return page("/v1/prices", rows, params);
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
    (world, params) => {
      const code = params.code?.toLowerCase();
      const rows = newestFirst(world.tables.promotionCodes).filter(
        (row) => code === undefined || row.code.toLowerCase() === code,
      );
      return page("/v1/promotion_codes", rows, params);
    },
  ),
];

function found<Row extends object>(table: ReadonlyMap<string, Row>, what: string, id: string): Row {
  const row = table.get(id);
  if (row === undefined) throw missing(what, id);
  return row;
}
