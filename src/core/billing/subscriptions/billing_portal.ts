import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";
import { describeFailure, type Log } from "#core/log.ts";
import type { StripeApi } from "#core/services/stripe.ts";

/** A person may look again at once; Stripe's own pages stay usable longer (contract 1.3). */
const REUSED_MS = 60_000;
const REMEMBERED = 1_000;
/** A status waits no longer, however often the SDK tries: it does so again after a connection was cut. */
const LIMIT_MS = 2_000;

interface PortalLink {
  url: string;
  /** Epoch milliseconds. */
  madeAt: number;
}

/**
 * Links to Stripe's billing portal. A link is a credential: it lives in this process's memory for a minute, and is
 * never stored or logged.
 */
export class BillingPortal {
  readonly #stripe: StripeApi;
  readonly #links: Map<string, PortalLink>;

  constructor(stripe: StripeApi, links = new Map<string, PortalLink>()) {
    this.#stripe = stripe;
    this.#links = links;
  }

  /**
   * The same portal, with the same remembered links, for one call.
   * @param deadline epoch milliseconds by which the call must be answered
   */
  until(deadline: number): BillingPortal {
    return new BillingPortal(this.#stripe.until(deadline), this.#links);
  }

  /**
   * Links a customer to their billing portal.
   * @returns null if Stripe fails or takes over 2 s: a status must not wait for it
   */
  async link(core: { clock: Clock; log: Log }, customer: string): Promise<string | null> {
    const now = core.clock.now().getTime();
    const known = this.#links.get(customer);
    if (known && now >= known.madeAt && now - known.madeAt < REUSED_MS) return known.url;
    const asked = this.#ask(core, customer, now);
    const isAnswered = new AbortController();
    const late = wait(LIMIT_MS, null, { signal: isAnswered.signal }).catch(() => null);
    const link = await Promise.race([asked, late]);
    isAnswered.abort();
    return link;
  }

  async #ask(core: { log: Log }, customer: string, now: number): Promise<string | null> {
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
    if (this.#links.size > REMEMBERED && oldest !== undefined) this.#links.delete(oldest);
  }
}
