import { randomInt } from "node:crypto";
import { type AccountSettings, DEFAULT_SETTINGS } from "./settings.ts";
import type {
  BalanceTransaction,
  Charge,
  CheckoutOrder,
  CheckoutSession,
  Coupon,
  Customer,
  DeletedCustomer,
  Discount,
  Dispute,
  DoubleEvent,
  Invoice,
  InvoiceLine,
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

/** What happens when a card is charged. A payment that `processes` is neither paid nor failed until it is settled. */
export type CardBehavior = "succeeds" | "declines" | "processes";

/** Why Stripe refuses a refund: the account's balance is too low, the charge is in dispute, or the charge is too old. */
export type RefundRefusal = "balance_insufficient" | "charge_disputed" | "charge_expired_for_refund";

/** The objects of the account by id, in insertion order. */
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
  /** All lines of each invoice, by the id of the invoice. */
  invoiceLines: Map<string, InvoiceLine[]>;
  /** The lines that the next invoice of each subscription bills too, by the id of the subscription. */
  pendingLines: Map<string, InvoiceLine[]>;
  invoicePayments: Map<string, InvoicePayment>;
  paymentIntents: Map<string, PaymentIntent>;
  charges: Map<string, Charge>;
  refunds: Map<string, Refund>;
  disputes: Map<string, Dispute>;
  balanceTransactions: Map<string, BalanceTransaction>;
  portalSessions: Map<string, PortalSession>;
  checkoutSessions: Map<string, CheckoutSession>;
  /** What each checkout session sells, by the id of the session. */
  checkoutOrders: Map<string, CheckoutOrder>;
  testClocks: Map<string, TestClock>;
  webhookEndpoints: Map<string, WebhookEndpoint>;
  events: Map<string, DoubleEvent>;
}

/** The state of the simulated Stripe account. All times are Unix seconds. */
export interface Account {
  readonly settings: AccountSettings;
  tables: Tables;
  /** By payment method id. A card that is not listed here succeeds. */
  cards: Map<string, CardBehavior>;
  /** Object id to the fields that a control overwrote. Schema checks skip these fields, as Stripe may never send them. */
  forced: Map<string, Set<string>>;
  /** Trials whose `trial_will_end` event was sent, as `subscription:trial_end`. */
  announcedTrials: Set<string>;
  /** When the end of a trial was moved, in Unix seconds, by `subscription:trial_end`. */
  movedTrials: Map<string, number>;
  /** Why the next refunds are refused, one entry a refund. */
  refusedRefunds: RefundRefusal[];
  /** The API request that is being executed. Its events name it. */
  origin: { id: string | null; idempotency_key: string | null };
  /** The time at which work runs: the time given to `at`, or else the account's clock. */
  now(): number;
  /** The account's clock, also inside `at`. */
  wallTime(): number;
  /** Runs work as if it were another time. */
  at<Result>(time: number, work: () => Result): Result;
  /** Moves the account's clock, without running what falls due (`advanceTime` does both). */
  advance(seconds: number): void;
  /** Is called with each event after it was stored. */
  listener: (event: DoubleEvent) => void;
  /** Whether events are delivered to a webhook. */
  hasListener: () => boolean;
  reset(): void;
}

/**
 * Creates an empty account.
 * @param base the clock that the account's clock starts from, in milliseconds
 */
export function createAccount(
  base: () => number = Date.now,
  settings: Partial<AccountSettings> = {},
): Account {
  let offset = 0;
  let pinned: number | null = null;
  const account: Account = {
    settings: { ...DEFAULT_SETTINGS, ...settings },
    tables: emptyTables(),
    cards: new Map(),
    forced: new Map(),
    announcedTrials: new Set(),
    movedTrials: new Map(),
    refusedRefunds: [],
    origin: { id: null, idempotency_key: null },
    now: () => pinned ?? account.wallTime(),
    wallTime: () => Math.floor(base() / 1000) + offset,
    at(time, work) {
      const before = pinned;
      pinned = time;
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
      account.tables = emptyTables();
      account.cards.clear();
      account.announcedTrials.clear();
      account.movedTrials.clear();
      account.refusedRefunds = [];
    },
  };
  return account;
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
    invoiceLines: new Map(),
    pendingLines: new Map(),
    invoicePayments: new Map(),
    paymentIntents: new Map(),
    charges: new Map(),
    refunds: new Map(),
    disputes: new Map(),
    balanceTransactions: new Map(),
    portalSessions: new Map(),
    checkoutSessions: new Map(),
    checkoutOrders: new Map(),
    testClocks: new Map(),
    webhookEndpoints: new Map(),
    events: new Map(),
  };
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A new id in the form of Stripe's ids, such as `cus_` and 14 random letters and digits. */
export function newId(prefix: string, length = 24): string {
  return `${prefix}_${Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("")}`;
}

/** The rows of a table, newest first. Of rows of the same second, the one stored last comes first. */
export function newestFirst<Row extends { created: number }>(table: ReadonlyMap<string, Row>): Row[] {
  return [...table.values()].reverse().sort((one, other) => other.created - one.created);
}

/** A complete list object, as it is embedded in other objects. */
export function embed<Row>(url: string, data: Row[]): List<Row> {
  return { object: "list", data, has_more: false, url };
}
