import type { Collection, Db, Filter, IndexDescription } from "mongodb";
import type { Page } from "#core/paging.ts";
import { insertAbsent } from "#core/repositories/insert_absent.ts";
import type { Actor, EventTarget, EventType, Origin } from "#core/repositories/outbox.ts";
import type { PersonalData } from "#core/repositories/repository.ts";

/** One event. Rows are added and never changed, except that `origin` and `announceDueAt` are removed. */
export interface AuditLog {
  /** audit_<ksuid>, derived from the id of the event, so that moving an event twice adds one row */
  _id: string;
  /** ISO. */
  occurredAt: string;
  actor: Actor;
  action: EventType;
  target: EventTarget;
  /** The user whose account it is about; null if it is about nobody. */
  userId: string | null;
  /** The account that it is about. Absent if it is about none. */
  accountId?: string;
  clientId: string | null;
  /** The session whose tokens the caller had. */
  sessionId: string | null;
  requestId: string | null;
  outcome: "success" | "failure";
  /** The code of the response, if the outcome is a failure. */
  errorCode: string | null;
  /** Ids, and words of a fixed list. No address and no secret. */
  data: Record<string, string | null>;
  /** Removed 90 days after the event and by an erasure. Absent if no call from outside caused the event. */
  origin?: Origin;
  /** When `origin` is removed, ISO. Absent like `origin`. */
  originUntil?: string;
  /** The time of the event, ISO; removed when the event was announced to webhooks. Absent for an event that is never announced. */
  announceDueAt?: string;
  /** After `auditDays` of the app, 400 by default. */
  purgeAt: Date;
}

/** Which rows to list. */
export interface AuditFilter {
  userId?: string | undefined;
  /** The user who did it. */
  actorId?: string | undefined;
  accountId?: string | undefined;
  action?: EventType | undefined;
  outcome?: AuditLog["outcome"] | undefined;
  /** ISO: rows of this time and later. */
  from?: string | undefined;
  /** ISO: rows before this time. */
  to?: string | undefined;
}

const NEWEST_FIRST = { occurredAt: -1, _id: -1 } as const;
const IS_BY_USER = { "actor.type": "user" };
const IS_ABOUT_ACCOUNT = { accountId: { $exists: true } };

/** Each equality has an index with the order of a page. A page with several equalities reads the rows of one of them. */
const auditLogIndexes: IndexDescription[] = [
  { key: NEWEST_FIRST },
  { key: { userId: 1, ...NEWEST_FIRST } },
  { key: { "actor.id": 1, ...NEWEST_FIRST }, partialFilterExpression: IS_BY_USER },
  { key: { accountId: 1, ...NEWEST_FIRST }, partialFilterExpression: IS_ABOUT_ACCOUNT },
  { key: { action: 1, ...NEWEST_FIRST } },
  { key: { outcome: 1, ...NEWEST_FIRST } },
  { key: { originUntil: 1 }, partialFilterExpression: { originUntil: { $exists: true } } },
  { key: { announceDueAt: 1 }, partialFilterExpression: { announceDueAt: { $exists: true } } },
  { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
];

const equalities = ({ userId, actorId, accountId, action, outcome }: AuditFilter): Filter<AuditLog> => ({
  ...(userId !== undefined && { userId }),
  ...(actorId !== undefined && { ...IS_BY_USER, "actor.id": actorId }),
  ...(accountId !== undefined && { accountId: { $exists: true, $eq: accountId } }),
  ...(action !== undefined && { action }),
  ...(outcome !== undefined && { outcome }),
});

export class AuditLogRepository {
  static readonly collectionName = "audit_logs";
  static readonly indexes = auditLogIndexes;
  static readonly personalData: PersonalData<AuditLog> = {
    field: "userId",
    refersTo: "userIds",
    withheld: ["originUntil", "announceDueAt", "purgeAt"],
    // A row proves what happened, so an erasure keeps it. It names the user by id only.
    anonymize: () => ({ origin: undefined, originUntil: undefined }),
  };
  readonly #collection: Collection<AuditLog>;
  constructor(database: Db) {
    this.#collection = database.collection(AuditLogRepository.collectionName);
  }

  /** Adds rows. A row that is there already stays as it is. Safe to repeat and to race. */
  async insertMissing(rows: readonly AuditLog[]): Promise<void> {
    if (rows.length === 0) return;
    await insertAbsent(this.#collection, rows);
  }

  /** Lists the newest rows, the newest first. */
  list(filter: AuditFilter, limit: number): Promise<AuditLog[]> {
    return this.listPage(filter, { limit, after: null });
  }

  /**
   * Lists rows, the newest first. Rows of the same time as the last row of the page before are a query of their own, so that both
   * read an index from where the page starts.
   */
  async listPage({ from, to, ...equal }: AuditFilter, { limit, after }: Page): Promise<AuditLog[]> {
    const range = { ...(from !== undefined && { $gte: from }), ...(to !== undefined && { $lt: to }) };
    const find = (time: Filter<AuditLog>) =>
      this.#collection
        .find({ ...equalities(equal), ...time })
        .sort(NEWEST_FIRST)
        .limit(limit)
        .toArray();
    if (after === null) return find(Object.keys(range).length > 0 ? { occurredAt: range } : {});
    const { createdAt: occurredAt, _id } = after;
    const [sameTime, older] = await Promise.all([
      find({ occurredAt, _id: { $lt: _id } }),
      find({ occurredAt: { ...range, $lt: occurredAt } }),
    ]);
    return [...sameTime, ...older].slice(0, limit);
  }

  /**
   * Removes the origin of rows whose time for it is over.
   * @returns how many rows were found, at most `limit`
   */
  async removeOrigins(now: string, limit: number): Promise<number> {
    const due = { originUntil: { $exists: true, $lte: now } };
    const found = await this.#collection
      .find(due)
      .project<{ _id: string }>({ _id: 1 })
      .limit(limit)
      .toArray();
    if (found.length === 0) return 0;
    await this.#collection.updateMany(
      { _id: { $in: found.map(({ _id }) => _id) } },
      { $unset: { origin: "", originUntil: "" } },
    );
    return found.length;
  }

  /**
   * Lists rows that were not announced to webhooks yet, the oldest first.
   * @param until ISO: events after it are left out
   */
  listUnannounced(until: string, limit: number): Promise<AuditLog[]> {
    return this.#collection
      .find({ announceDueAt: { $exists: true, $lte: until } })
      .sort({ announceDueAt: 1 })
      .limit(limit)
      .toArray();
  }

  /** Records that rows were announced to webhooks. Safe to repeat and to race. */
  async markAnnounced(ids: readonly string[]): Promise<void> {
    await this.#collection.updateMany({ _id: { $in: [...ids] } }, { $unset: { announceDueAt: "" } });
  }
}
