/** The settings of the simulated Stripe account. */
export interface AccountSettings {
  /** Shown on invoices, and in upper case on card statements. */
  name: string;
  /** Two upper-case letters (ISO 3166). */
  country: string;
  products: readonly ProductSeed[];
}

/** A product that exists in the account from the start, with its prices. */
export interface ProductSeed {
  id: string;
  name: string;
  prices: readonly PriceSeed[];
}

/** A recurring price that exists in the account from the start. */
export interface PriceSeed {
  id: string;
  /** Three lower-case letters (ISO 4217). */
  currency: string;
  /** In the smallest unit of the currency. */
  unitAmount: number;
  interval: "day" | "week" | "month" | "year";
}

export const DEFAULT_PRODUCT = "prod_default";
export const DEFAULT_PRICE = "price_default";

/** The catalog of a double that is started without one. */
export const DEFAULT_PRODUCTS: readonly ProductSeed[] = [
  {
    id: DEFAULT_PRODUCT,
    name: "Default product",
    prices: [{ id: DEFAULT_PRICE, currency: "gbp", unitAmount: 499, interval: "month" }],
  },
];

export const DEFAULT_SETTINGS: AccountSettings = {
  name: "Stripe double",
  country: "GB",
  products: DEFAULT_PRODUCTS,
};
