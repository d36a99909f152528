import type { Controls } from "./controls.ts";
import type { DeliveryAttempt, DeliveryBehavior } from "./deliveries.ts";
import type { StripeFault } from "./faults.ts";
import type { AccountSettings } from "./settings.ts";
import type { SubscriptionSummary } from "./summary.ts";
import type { RecordedRequest } from "./traffic.ts";
import type {
  BalanceTransaction,
  Charge,
  CheckoutSession,
  Customer,
  DeletedCustomer,
  Dispute,
  DoubleEvent,
  Invoice,
  InvoicePayment,
  Refund,
  Subscription,
} from "./types.ts";
import type { SignedEvent } from "./webhook_sender.ts";

export interface StripeDoubleOptions {
  /** Default: any free port. */
  port?: number;
  /** Default: `sk_test_double`. */
  secretKey?: string;
  /** Default: `whsec_double`. */
  webhookSecret?: string;
  /** Where events are posted. Default: nowhere. */
  webhookUrl?: string;
  /** The account's name, country and catalog. Default: one product with one monthly price of 4.99 GBP. */
  account?: Partial<AccountSettings>;
  /** The clock that the account's clock starts from, in milliseconds. Default: `Date.now`. */
  now?: () => number;
  /** The time in webhook signatures, in milliseconds. Default: `Date.now`. */
  signedAt?: () => number;
  /** The waits before the retries of a webhook delivery, in milliseconds. */
  retryDelaysMs?: readonly number[];
}

/** The objects about payments. */
export interface Ledger {
  invoices: Invoice[];
  invoicePayments: InvoicePayment[];
  charges: Charge[];
  refunds: Refund[];
  disputes: Dispute[];
  balanceTransactions: BalanceTransaction[];
}

/** A running double. */
export interface StripeDouble extends Controls {
  mode: "double";
  url: string;
  host: string;
  port: number;
  secretKey: string;
  webhookSecret: string;
  /** The API requests received so far, oldest first. */
  requests: RecordedRequest[];
  /** Copies of all checkout sessions, oldest first. */
  checkoutSessions(): CheckoutSession[];
  /** Copies of all customers, oldest first. */
  customers(): (Customer | DeletedCustomer)[];
  subscriptions(): Subscription[];
  refunds(): Refund[];
  /** Copies of the objects about payments, oldest first. */
  ledger(): Ledger;
  /** The newest events, oldest first. They are frozen. Default: all events. */
  events(newest?: number): DoubleEvent[];
  /** All subscriptions in a short form for pages and logs, newest first. */
  summary(): SubscriptionSummary[];
  /** Sets the URL that events are posted to. With null, events are not sent. */
  deliverTo(url: string | null): void;
  configureDeliveries(behavior: DeliveryBehavior): void;
  /** Events that are not sent because deliveries are held, oldest first. Remove an event to send it yourself. */
  held: DoubleEvent[];
  /** Sends the held events and waits until all deliveries have ended. */
  flush(): Promise<void>;
  /** Sends one event once. Returns the HTTP status, or null when there was no response. */
  deliver(event: DoubleEvent): Promise<number | null>;
  /** Resolves when no delivery is running and no retry is due. */
  settled(): Promise<void>;
  deliveryAttempts: DeliveryAttempt[];
  /** Events whose last retry failed. */
  failedDeliveries: DoubleEvent[];
  /** The body and signature header that a delivery of this event would have now. */
  signedEvent(event: object): SignedEvent;
  /** Makes the next API requests fail. Replaces the previous fault. */
  fault(fault: StripeFault): void;
  /** The current fault, with the number of requests that it will still fail. */
  armedFault(): StripeFault;
  /** Creates a billing portal session for a customer and returns its URL. */
  openPortal(customer: string): string;
  /** Sets the default return URL of billing portal sessions. */
  portalReturnsTo(url: string): void;
  /** Makes every API request take this long, in milliseconds. */
  latency(ms: number): void;
  /** Empties `requests` and `deliveryAttempts`. */
  clear(): void;
  /** Restores the state after the start: a new account, no fault, no latency. The webhook URL is kept. */
  reset(): void;
  close(): Promise<void>;
}
