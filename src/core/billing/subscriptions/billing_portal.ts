import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";
import { describeFailure, type Log } from "#core/log.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** A link is reused for this long. Stripe keeps it valid for longer (contract 1.3). */
const REUSE_MS = 60_000;
/** Links kept in memory at most. */
const LINKS_KEPT = 1_000;
/** Total time for a link. The SDK itself retries a request whose connection was cut. */
const LIMIT_MS = 2_000;

interface PortalLink {
  url: string;
  /** Epoch milliseconds. */
  madeAt: number;
}

/**
 * Creates links to Stripe's billing portal. A link is a credential: it is kept in memory for a minute, and never stored
 * or logged.
 */
export class BillingPortal {
  readonly #stripe: StripeApi;
  readonly #links: Map<string, PortalLink>;

  constructor(stripe: StripeApi, links = new Map<string, PortalLink>()) {
    this.#stripe = stripe;
    this.#links = links;
  }

  /**
   * The same portal for one call. It shares the links in memory.
   * @param deadline epoch milliseconds by which the call must respond
   */
  until(deadline: number): BillingPortal {
    return new BillingPortal(this.#stripe.until(deadline), this.#links);
  }

  /**
   * Creates a link for a customer, or returns the one in memory.
   * @returns the URL, or null if Stripe fails or takes over 2 s: a status must not wait for it
   */
  async link(core: { clock: Clock; log: Log }, customer: string): Promise<string | null> {
    const now = core.clock.now().getTime();
    const known = this.#links.get(customer);
    if (known && now >= known.madeAt && now - known.madeAt < REUSE_MS) return known.url;
    const requested = this.#request(core, customer, now);
    const isDone = new AbortController();
    const timeout = wait(LIMIT_MS, null, { signal: isDone.signal }).catch(() => null);
    const link = await Promise.race([requested, timeout]);
    isDone.abort();
    return link;
  }

  async #request(core: { log: Log }, customer: string, now: number): Promise<string | null> {
    try {
      const { url } = await this.#stripe.request(
        (stripe, options) => stripe.billingPortal.sessions.create({ customer }, options),
        { limitMs: LIMIT_MS },
      );
      this.#remember(customer, url, now);
      return url;
    } catch (error) {
      core.log.warn("billing_portal_failed", describeFailure(error));
      return null;
    }
  }

  #remember(customer: string, url: string, madeAt: number): void {
    this.#links.delete(customer);
    this.#links.set(customer, { url, madeAt });
    const [oldest] = this.#links.keys();
    if (this.#links.size > LINKS_KEPT && oldest !== undefined) this.#links.delete(oldest);
  }
}
