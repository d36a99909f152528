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
/** After a timeout, no link is requested for this long: otherwise every status would wait while Stripe does not respond. */
const PAUSE_MS = 30_000;

/** The time limit of the request is longer than the wait for it, so a timeout is never mistaken for a failure. */
const SDK_MARGIN_MS = 250;
const TIMED_OUT = Symbol("timed out");

interface PortalLink {
  url: string;
  /** Epoch milliseconds. */
  madeAt: number;
}

/** State that all calls of a Lambda instance share. */
interface PortalMemory {
  links: Map<string, PortalLink>;
  /** Time of the last timeout, epoch milliseconds; null if Stripe has responded since. */
  timedOutAt: number | null;
}

/**
 * Creates links to Stripe's billing portal. A link is a credential: it is kept in memory for a minute, and never stored
 * or logged.
 */
export class BillingPortal {
  readonly #stripe: StripeApi;
  readonly #returnUrl: string | null;
  readonly #memory: PortalMemory;

  /** @param returnUrl where the portal leads back to; null: where Stripe's own setting says */
  constructor(
    stripe: StripeApi,
    returnUrl: string | null,
    memory: PortalMemory = { links: new Map(), timedOutAt: null },
  ) {
    this.#stripe = stripe;
    this.#returnUrl = returnUrl;
    this.#memory = memory;
  }

  /**
   * The same portal for one call. It shares the state.
   * @param deadline epoch milliseconds by which the call must respond
   */
  until(deadline: number): BillingPortal {
    return new BillingPortal(this.#stripe.until(deadline), this.#returnUrl, this.#memory);
  }

  /**
   * Creates a link for a customer, or returns the one in memory.
   * @returns the URL, or null if Stripe fails, takes over 2 s or did so within the last 30 s: a status must not wait for it
   */
  async link(core: { clock: Clock; log: Log }, customer: string): Promise<string | null> {
    const now = core.clock.now().getTime();
    const known = this.#memory.links.get(customer);
    if (known && now >= known.madeAt && now - known.madeAt < REUSE_MS) return known.url;
    if (this.#isPaused(now)) return null;
    const requested = this.#request(core, customer, now);
    const isDone = new AbortController();
    const timeout = wait(LIMIT_MS, TIMED_OUT, { signal: isDone.signal }).catch(() => null);
    const link = await Promise.race([requested, timeout]);
    isDone.abort();
    if (link !== TIMED_OUT) return link;
    this.#memory.timedOutAt = core.clock.now().getTime();
    return null;
  }

  #isPaused(now: number): boolean {
    const { timedOutAt } = this.#memory;
    return timedOutAt !== null && now >= timedOutAt && now - timedOutAt < PAUSE_MS;
  }

  async #request(core: { log: Log }, customer: string, now: number): Promise<string | null> {
    const limitMs = LIMIT_MS + SDK_MARGIN_MS;
    const parameters = { customer, ...(this.#returnUrl !== null && { return_url: this.#returnUrl }) };
    try {
      const { url } = await this.#stripe.request(
        (stripe, options) => stripe.billingPortal.sessions.create(parameters, options),
        { limitMs },
      );
      this.#memory.timedOutAt = null;
      this.#remember(customer, url, now);
      return url;
    } catch (error) {
      core.log.warn("billing_portal_failed", describeFailure(error));
      return null;
    }
  }

  #remember(customer: string, url: string, madeAt: number): void {
    const { links } = this.#memory;
    links.delete(customer);
    links.set(customer, { url, madeAt });
    const [oldest] = links.keys();
    if (links.size > LINKS_KEPT && oldest !== undefined) links.delete(oldest);
  }
}
