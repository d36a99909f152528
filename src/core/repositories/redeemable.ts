import type { Collection, Filter } from "mongodb";

/** An attempt to use a link or a code. */
export interface Attempt {
  /** When it was started or last resumed, ISO. */
  startedAt: string;
  /** Present if the last attempt failed and is not running any more. */
  hasFailed?: true;
}

/** The data of a redemption from which to issue the same session and refresh token again if its response was lost. */
export interface Redemption extends Attempt {
  sessionId: string;
  accessTokenId: string;
  refreshTokenId: string;
  /** 32 random bytes, hex: with the secret of the link and a refresh key, they give the refresh token's secret. */
  salt: string;
  /** Id of the key in REFRESH_KEYS. */
  keyId: string;
  /** Present if the code beside a link was presented: then the nonce takes the place of the link's secret. */
  isByUserCode?: true;
}

/** A link or a code that works once. Its redemption can be resumed if it failed or its response was lost. */
export interface Redeemable {
  _id: string;
  /** The address or number to which it was sent. Absent: it was not sent. */
  identifierValue?: string;
  /** When its redemption started. */
  usedAt: string | null;
  redemption?: Attempt | null;
}

/** The writes that redeem links and codes, and a list of them. Part of their repositories. */
export class RedeemableWrites<Stored extends Redeemable> {
  readonly #collection: Collection<Redeemable>;
  readonly #openAt: (now: string) => Filter<Redeemable>;

  /** @param openAt matches what can be redeemed at a time, used or not */
  constructor(collection: Collection<Stored>, openAt: (now: string) => object) {
    this.#collection = collection as unknown as Collection<Redeemable>;
    this.#openAt = openAt;
  }

  /** Redeems it. One of any simultaneous calls gets the document, the others null. */
  async redeem(id: string, redemption: NonNullable<Stored["redemption"]>): Promise<Stored | null> {
    const redeemed = await this.#collection.findOneAndUpdate(
      { ...this.#openAt(redemption.startedAt), _id: id, usedAt: null },
      { $set: { usedAt: redemption.startedAt, redemption } },
      { returnDocument: "after" },
    );
    return redeemed as Stored | null;
  }

  /**
   * Resumes the redemption of a used document. One of any simultaneous calls gets the document, the others null.
   * @param startedAt when the redemption was last started or resumed
   */
  async resume(id: string, startedAt: string, now: string): Promise<Stored | null> {
    const resumed = await this.#collection.findOneAndUpdate(
      { ...this.#openAt(now), _id: id, "redemption.startedAt": startedAt },
      { $set: { "redemption.startedAt": now }, $unset: { "redemption.hasFailed": "" } },
      { returnDocument: "after" },
    );
    return resumed as Stored | null;
  }

  /**
   * Lets a failed redemption be resumed at once.
   * @param startedAt when the failed attempt started; if another attempt started since, nothing is changed
   */
  async recordFailedRedemption(id: string, startedAt: string): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, "redemption.startedAt": startedAt },
      { $set: { "redemption.hasFailed": true } },
    );
  }

  /** Lists what was sent to addresses and numbers, in any state, the newest first. */
  async listNewestOf(identifierValues: readonly string[], limit: number): Promise<Stored[]> {
    const found = this.#collection.find({ identifierValue: { $in: [...identifierValues] } });
    return (await found.sort({ createdAt: -1, _id: -1 }).limit(limit).toArray()) as unknown as Stored[];
  }
}
