import type { Collection, Db, Filter, IndexDescription } from "mongodb";
import { derivedIdOf } from "#core/ids.ts";
import { CombinedReads } from "#core/repositories/combined_reads.ts";
import { carrying, OUTBOX_INDEX, type Outbox, pushed, type StoredEvent } from "#core/repositories/outbox.ts";
import { FAILED_PASSWORDS_LIMIT } from "#core/repositories/refused_because.ts";
import type { PersonalData } from "#core/repositories/repository.ts";
import type { ResetChannel } from "#core/repositories/reset_channel.ts";
import { isDuplicateKey } from "#core/services/mongo.ts";

/** The password of a user. */
export interface Password extends Outbox {
  /** passwd_<ksuid>, derived from the user's id. */
  _id: string;
  userId: string;
  /** Argon2id as a PHC string, with its salt and its cost; or an imported hash of another system. */
  hash: string;
  /** The id of the pepper in PASSWORD_PEPPERS that is part of the hash; null for an imported hash, which has none. */
  pepperId: string | null;
  /** Who set it: the user, somebody else for the user, or the user by a reset. */
  setBy: "user" | "admin" | "reset";
  /** Whether the user must set another one after the next sign-in. */
  mustChange: boolean;
  /**
   * Whether it was set while the user had proved no address or number, as after an immediate registration. It is accepted until
   * another person proves the address, who drops it. Absent, as in documents of earlier versions: it is not.
   */
  isProvisional?: boolean;
  /** Passwords that were presented since the last correct one. They are counted before they are compared. */
  failedCount: number;
  createdAt: string;
  /** The verification of the reset that set it last. Absent if none did. */
  resetId?: string;
  /** The channel by which the link or code of that reset was sent. Absent from passwords of earlier versions. */
  resetBy?: ResetChannel;
  /** When it was last set. Hashing the same password again does not change it. */
  updatedAt: string;
}

/** The fields of a password that is set. */
export type NewPassword = Pick<Password, "hash" | "pepperId" | "setBy" | "mustChange" | "isProvisional">;

/** Which password is removed: the one that was set at a time, or one that is provisional. */
export type RemovedPassword = Pick<Password, "updatedAt"> | { isProvisional: true };

const passwordIndexes: IndexDescription[] = [{ key: { userId: 1 }, unique: true }, OUTBOX_INDEX];

export class PasswordRepository {
  static readonly collectionName = "passwords";
  static readonly indexes = passwordIndexes;
  static readonly personalData: PersonalData<Password> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["hash", "pepperId"],
    // From then on, no sign-in with it starts.
    isErasedFirst: true,
  };
  readonly #collection: Collection<Password>;
  readonly #reads: CombinedReads<Password>;
  constructor(database: Db) {
    this.#collection = database.collection(PasswordRepository.collectionName);
    this.#reads = new CombinedReads(database, PasswordRepository.collectionName);
  }

  findByUser(userId: string): Promise<Password | null> {
    return this.#reads.findOne({ userId });
  }

  /** Stores the first password of a user, also in place of a provisional one. @returns false if the user has another */
  async insert(
    userId: string,
    next: NewPassword,
    { now, events }: { now: string; events: readonly StoredEvent[] },
  ): Promise<boolean> {
    try {
      await this.#collection.insertOne({
        _id: derivedIdOf(userId, "password"),
        ...{ userId, ...fieldsOf(next, now), createdAt: now },
        ...(events.length > 0 && carrying(events)),
      });
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    if (next.isProvisional) return false;
    const { push, set } = pushed(events);
    const { matchedCount } = await this.#collection.updateOne(
      { userId, isProvisional: true },
      { $set: { ...fieldsOf(next, now), ...set }, $push: push },
    );
    return matchedCount === 1;
  }

  /** Keeps a provisional password, because whoever set it proves the address. */
  async keepProvisional(userId: string): Promise<void> {
    await this.#collection.updateOne({ userId, isProvisional: true }, { $set: { isProvisional: false } });
  }

  /**
   * Replaces a password that was read, and ends its lock.
   * @param setAt `updatedAt` of the password that was read
   * @returns false if the user has set another one since
   */
  async replace(
    { userId, setAt }: { userId: string; setAt: string },
    next: NewPassword,
    { now, events }: { now: string; events: readonly StoredEvent[] },
  ): Promise<boolean> {
    const { push, set } = pushed(events);
    const { matchedCount } = await this.#collection.updateOne(
      { userId, updatedAt: setAt },
      { $set: { ...fieldsOf(next, now), ...set }, $push: push },
    );
    return matchedCount === 1;
  }

  /**
   * Removes the password of a user. The caller keeps its events.
   * @param only the password that is removed, if it is still the user's
   */
  async remove(userId: string, only: RemovedPassword): Promise<void> {
    await this.#collection.deleteOne({ userId, ...only });
  }

  /**
   * Stores the password that a reset sets, whether or not the user has one, and ends its lock. Safe to repeat: the events are
   * stored once for each reset.
   * @param resetId the verification of the reset
   * @param resetBy the channel by which its link or code was sent
   */
  async reset(
    { userId, resetId, resetBy }: { userId: string; resetId: string; resetBy: ResetChannel },
    next: Pick<NewPassword, "hash" | "pepperId">,
    { now, events }: { now: string; events: readonly StoredEvent[] },
  ): Promise<void> {
    const { push, set } = pushed(events);
    const fields = { ...fieldsOf({ ...next, setBy: "reset", mustChange: false }, now), resetId, resetBy };
    const isDone = await this.#upsert(
      { userId, resetId: { $ne: resetId } },
      { fields: { ...fields, ...set }, push, userId, now },
    );
    if (!isDone) await this.#collection.updateOne({ userId, resetId }, { $set: fields });
  }

  /** @returns false if the user has a password that the filter does not match */
  async #upsert(
    filter: Filter<Password>,
    { fields, push, userId, now }: { fields: object; push: object; userId: string; now: string },
  ): Promise<boolean> {
    const insert = { _id: derivedIdOf(userId, "password"), createdAt: now };
    const update = { $set: fields, $push: push, $setOnInsert: insert };
    try {
      await this.#collection.updateOne(filter, update, { upsert: true });
      return true;
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
    // A simultaneous call may have stored the first password of the user.
    return (await this.#collection.updateOne(filter, { $set: fields, $push: push })).matchedCount === 1;
  }

  /**
   * Counts a presented password as a failure, before it is compared. One conditional update decides, so that any number of
   * simultaneous calls compares at most `FAILED_PASSWORDS_LIMIT`.
   * @returns the password; null if it is locked or was removed
   */
  countPresented(userId: string): Promise<Password | null> {
    return this.#collection.findOneAndUpdate(
      { userId, failedCount: { $lt: FAILED_PASSWORDS_LIMIT } },
      { $inc: { failedCount: 1 } },
      { returnDocument: "after" },
    );
  }

  /**
   * Records that the presented password was correct: the count starts again.
   * @param rehashed the same password, hashed as new passwords are; null if its hash stays
   * @returns false if the password was replaced or removed since it was read
   */
  async acceptPresented(
    { userId, updatedAt }: Pick<Password, "userId" | "updatedAt">,
    rehashed: Pick<Password, "hash" | "pepperId"> | null,
  ): Promise<boolean> {
    const { matchedCount } = await this.#collection.updateOne(
      { userId, updatedAt },
      { $set: { failedCount: 0, ...rehashed } },
    );
    return matchedCount === 1;
  }
}

const fieldsOf = (
  { hash, pepperId, setBy, mustChange, isProvisional = false }: NewPassword,
  now: string,
) => ({
  ...{ hash, pepperId, setBy, mustChange, isProvisional, failedCount: 0, updatedAt: now },
});
