import { randomInt } from "node:crypto";
import type {
  Charge,
  Coupon,
  Customer,
  DeletedCustomer,
  Discount,
  Dispute,
  DoubleEvent,
  Invoice,
  InvoicePayment,
  List,
  PaymentIntent,
  PaymentMethod,
  PortalSession,
  Price,
  Product,
  PromotionCode,
  Refund,
  Subscription,
  TestClock,
  WebhookEndpoint,
} from "./types.ts";

/** What happens when a card is charged. */
export type CardBehaviour = "succeeds" | "declines" | "processes";

/** Everything Stripe would know, insertion order kept. */
export interface Tables {
  customers: Map<string, Customer | DeletedCustomer>;
  products: Map<string, Product>;
  prices: Map<string, Price>;
  coupons: Map<string, Coupon>;
  promotionCodes: Map<string, PromotionCode>;
  discounts: Map<string, Discount>;
  paymentMethods: Map<string, PaymentMethod>;
  subscriptions: Map<string, Subscription>;
  invoices: Map<string, Invoice>;
  invoicePayments: Map<string, InvoicePayment>;
  paymentIntents: Map<string, PaymentIntent>;
  charges: Map<string, Charge>;
  refunds: Map<string, Refund>;
  disputes: Map<string, Dispute>;
  portalSessions: Map<string, PortalSession>;
  testClocks: Map<string, TestClock>;
  webhookEndpoints: Map<string, WebhookEndpoint>;
  events: Map<string, DoubleEvent>;
}

export interface World {
  tables: Tables;
  /** By payment method; a card not named here succeeds. */
  cards: Map<string, CardBehaviour>;
  /** Fields, by the id of their object, that a control wrote as it was told to: no Stripe would say them. */
  forced: Map<string, Set<string>>;
  /** Trials whose end has been announced, as `subscription:trial_end`. */
  announcedTrials: Set<string>;
  /** The API call that is being executed, which its events name. */
  origin: { id: string | null; idempotency_key: string | null };
  /** Unix seconds. */
  now(): number;
  /** The account's own time, as whatever moment work is being run. */
  accountNow(): number;
  /** Runs work as if it were another moment. */
  at<Result>(moment: number, work: () => Result): Result;
  advance(seconds: number): void;
  /** Told of every event after it has been stored. */
  listener: (event: DoubleEvent) => void;
  hasListener: () => boolean;
  reset(): void;
}

/** An empty account whose time is `base` (milliseconds) plus whatever it was moved by. */
export function createWorld(base: () => number = Date.now): World {
  let offset = 0;
  let pinned: number | null = null;
  const world: World = {
    tables: emptyTables(),
    cards: new Map(),
    forced: new Map(),
    announcedTrials: new Set(),
    origin: { id: null, idempotency_key: null },
    now: () => pinned ?? world.accountNow(),
    accountNow: () => Math.floor(base() / 1000) + offset,
    at(moment, work) {
      const before = pinned;
      pinned = moment;
      try {
        return work();
      } finally {
        pinned = before;
      }
    },
    advance(seconds) {
      offset += seconds;
    },
    listener: () => {},
    hasListener: () => false,
    reset() {
      offset = 0;
      world.tables = emptyTables();
      world.cards.clear();
      world.announcedTrials.clear();
    },
  };
  return world;
}

function emptyTables(): Tables {
  return {
    customers: new Map(),
    products: new Map(),
    prices: new Map(),
    coupons: new Map(),
    promotionCodes: new Map(),
    discounts: new Map(),
    paymentMethods: new Map(),
    subscriptions: new Map(),
    invoices: new Map(),
    invoicePayments: new Map(),
    paymentIntents: new Map(),
    charges: new Map(),
    refunds: new Map(),
    disputes: new Map(),
    portalSessions: new Map(),
    testClocks: new Map(),
    webhookEndpoints: new Map(),
    events: new Map(),
  };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A fresh id as Stripe forms them. */
export function newId(prefix: string, length = 24): string {
  return `${prefix}_${Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("")}`;
}

/** Newest first; of one second, the later stored first. */
export function newestFirst<Row extends { created: number }>(table: ReadonlyMap<string, Row>): Row[] {
  return [...table.values()].reverse().sort((one, other) => other.created - one.created);
}

/** The API's list of rows already in memory. */
export function embed<Row>(url: string, data: Row[]): List<Row> {
  return { object: "list", data, has_more: false, url };
}
