import type { Collection } from "mongodb";
import { MoneyReturnWrites } from "#core/repositories/money_returns.ts";
import type { Subscription, SubscriptionMail } from "#core/repositories/subscription_document.ts";

/** The writes about the mails of a subscription. Part of the repository of subscriptions. */
export class SubscriptionMails extends MoneyReturnWrites {
  readonly #collection: Collection<Subscription>;
  constructor(subscriptions: Collection<Subscription>) {
    super(subscriptions);
    this.#collection = subscriptions;
  }

  /**
   * Claims the sending of a mail. One of any simultaneous calls gets true. The welcome mail of a rejected subscription can't be
   * claimed.
   * @param lapsedBefore an unfinished claim from before this time has expired
   */
  async claimMail(
    stpSubscriptionId: string,
    mail: SubscriptionMail,
    now: string,
    lapsedBefore: string,
  ): Promise<boolean> {
    const mark = `mails.${mail}`;
    const result = await this.#collection.updateOne(
      {
        stpSubscriptionId,
        ...(mail === "welcome" ? { rejectedAt: null } : {}),
        $or: [
          { [mark]: { $exists: false } },
          { [`${mark}.sentAt`]: null, [`${mark}.claimedAt`]: { $lt: lapsedBefore } },
        ],
      },
      { $set: { [mark]: { claimedAt: now, sentAt: null } } },
    );
    return result.modifiedCount === 1;
  }

  async recordMail(stpSubscriptionId: string, mail: SubscriptionMail, now: string): Promise<void> {
    await this.#collection.updateOne({ stpSubscriptionId }, { $set: { [`mails.${mail}.sentAt`]: now } });
  }

  /** Releases a claim after the mail could not be sent. */
  async releaseMail(stpSubscriptionId: string, mail: SubscriptionMail): Promise<void> {
    await this.#collection.updateOne(
      { stpSubscriptionId, [`mails.${mail}.sentAt`]: null },
      { $unset: { [`mails.${mail}`]: "" } },
    );
  }
}
