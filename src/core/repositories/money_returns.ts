import type { Collection } from "mongodb";
import type { MoneyReturn, Subscription } from "#core/repositories/subscription_document.ts";

/** The writes about the money that rejected subscriptions return. Part of the repository of subscriptions. */
export class MoneyReturnWrites {
  readonly #collection: Collection<Subscription>;
  constructor(subscriptions: Collection<Subscription>) {
    this.#collection = subscriptions;
  }

  /** Stores what a rejection returns, unless it is stored already. @returns what is stored now */
  async planReturns(
    stpSubscriptionId: string,
    returns: Record<string, MoneyReturn>,
  ): Promise<Record<string, MoneyReturn>> {
    await this.#collection.updateOne(
      { stpSubscriptionId, returns: { $exists: false } },
      { $set: { returns } },
    );
    return (await this.#collection.findOne({ stpSubscriptionId }))?.returns ?? returns;
  }

  /** Adds the return of a payment that succeeded after the rejection, unless it is stored already. */
  async addReturn(stpSubscriptionId: string, added: MoneyReturn): Promise<void> {
    const field = `returns.${added.source}`;
    await this.#collection.updateOne(
      { stpSubscriptionId, [field]: { $exists: false } },
      { $set: { [field]: added } },
    );
  }

  /**
   * Records the outcome of one attempt to return money, unless another call recorded the outcome of this attempt.
   * @param attempts the number of attempts before this one
   */
  async recordReturn(
    stpSubscriptionId: string,
    source: string,
    attempts: number,
    outcome: Partial<MoneyReturn>,
  ): Promise<void> {
    const field = `returns.${source}`;
    const set = Object.entries(outcome).map(([name, value]) => [`${field}.${name}`, value]);
    await this.#collection.updateOne(
      { stpSubscriptionId, [`${field}.attempts`]: attempts },
      { $set: Object.fromEntries(set) },
    );
  }
}
