import type { Db, Document } from "mongodb";
import { REPOSITORIES } from "#core/repositories/all.ts";
import { OUTBOX_FIELDS, type Outbox, type StoredEvent } from "#core/repositories/outbox.ts";
import { hasOutbox } from "#core/repositories/outboxes.ts";
import type { PersonalData, PersonalReferences, RepositoryClass } from "#core/repositories/repository.ts";

type Registered = typeof REPOSITORIES;
type DocumentOf<Repository extends RepositoryClass> =
  Repository["personalData"] extends PersonalData<infer Stored> ? Stored : never;
/** The names of the repositories that hold personal data. */
type PersonalName = {
  [Name in keyof Registered]: Registered[Name]["personalData"] extends null ? never : Name;
}[keyof Registered];

/** All documents about one user, as they are stored, by the repository's name. */
export type Account = { [Name in PersonalName]: DocumentOf<Registered[Name]>[] };

interface PersonalCollection {
  /** The repository's name in `Core`. */
  name: string;
  collectionName: string;
  personalData: PersonalData<Document>;
  /** Whether the documents carry events. */
  hasEvents: boolean;
}

/** What an erasure needs beyond the references to the user. */
export interface Erasure {
  /** ISO. */
  now: string;
  /** Makes an id that takes the user's place in a document that is kept. */
  newErasureId: () => string;
  /** Reads the ids of the sessions that the user has at this moment. */
  readSessionIds: () => Promise<string[]>;
  /** Stores events that are on documents and would be removed with them. */
  keepEvents: (events: StoredEvent[]) => Promise<void>;
  /** Returns those of the accounts that have no member at this moment. */
  listWithoutMembers: (accountIds: readonly string[]) => Promise<string[]>;
}

/** Reads and erases one user's documents in every collection that declares personal data. */
export class PersonalDocuments {
  readonly #database: Db;
  constructor(database: Db) {
    this.#database = database;
  }

  /** Lists one user's documents, the oldest first. */
  async list(references: PersonalReferences): Promise<Account> {
    const found = personalCollections().map(async ({ name, collectionName, personalData }) => {
      const documents = this.#database.collection(collectionName).find(filterOf(personalData, references));
      return [name, await documents.sort({ createdAt: 1, _id: 1 }).toArray()] as const;
    });
    return Object.fromEntries(await Promise.all(found)) as unknown as Account;
  }

  /**
   * Removes or anonymizes one user's documents, in the order of `erasureOrder`. Sessions are read again whenever their
   * collections are reached, since a redemption that started before the erasure may still be writing one. Ids read
   * earlier are kept, since a token may be written after its session was removed. An account that has another member stays.
   */
  async erase(references: PersonalReferences, erasure: Erasure): Promise<void> {
    const { now, newErasureId, readSessionIds, keepEvents, listWithoutMembers } = erasure;
    const sessionIds = new Set(references.sessionIds);
    for (const { collectionName, personalData, hasEvents } of erasureOrder()) {
      if (personalData.refersTo === "sessionIds") for (const id of await readSessionIds()) sessionIds.add(id);
      const collection = this.#database.collection(collectionName);
      // The user's memberships were removed before the accounts.
      const accountIds =
        personalData.refersTo === "accountIds" ? await listWithoutMembers(references.accountIds) : [];
      const filter = filterOf(personalData, { ...references, accountIds, sessionIds: [...sessionIds] });
      if (hasEvents) {
        const carriers = await collection.find<Outbox>(filter, { projection: { events: 1 } }).toArray();
        await keepEvents(carriers.flatMap(({ events = [] }) => events));
      }
      if (!personalData.anonymize) {
        await collection.deleteMany(filter);
        continue;
      }
      for await (const { _id } of collection.find(filter, { projection: { _id: 1 } }))
        await collection.updateOne({ _id }, updateOf(personalData.anonymize(newErasureId(), now)));
    }
  }
}

/**
 * Prepares an account for export to its user. Hashes and salts, which only Nest can use, and dates of its own
 * bookkeeping are left out. So are events that wait to be moved to the audit log, which repeats them within a minute.
 * @returns plain JSON values, by the repository's name
 */
export function exportAccount(account: Account): Record<string, unknown[]> {
  const exported = personalCollections().map(({ name, personalData: { withheld } }) => {
    const documents: object[] = account[name as PersonalName];
    return [name, documents.map((document) => omit(document, [...withheld, ...OUTBOX_FIELDS]))] as const;
  });
  return Object.fromEntries(exported);
}

function personalCollections(): PersonalCollection[] {
  return Object.entries<RepositoryClass>(REPOSITORIES).flatMap(([name, repository]) => {
    const { collectionName, personalData } = repository;
    return personalData === null
      ? []
      : [{ name, collectionName, personalData, hasEvents: hasOutbox(repository) }];
  });
}

/**
 * Returns the collections in the order in which an erasure removes documents. Links go first, so that no redemption
 * starts or resumes from then on. Sessions and their tokens are removed twice, because a redemption may have started
 * before. Mail events are removed again after the identifiers, because an event may be stored while its address is
 * known. The user's own document goes last, so that an interrupted erasure can be repeated. Only what a call may have added that read
 * the user before is removed after it: an account at a provider that joined the user, and the session that it started.
 */
function erasureOrder(): PersonalCollection[] {
  const collections = personalCollections().reverse();
  const links = collections.filter(({ personalData }) => personalData.isErasedFirst);
  const sessions = collections.filter(({ personalData }) => personalData.refersTo === "sessionIds");
  const mailEvents = collections.filter(({ name }) => name === "mailEvents");
  const joined = collections.filter(({ name }) => name === "oauthIdentities");
  const users = collections.filter(({ name }) => name === "users");
  const others = collections.filter((one) => ![...links, ...sessions, ...users].includes(one));
  return [...links, ...sessions, ...others, ...sessions, ...mailEvents, ...users, ...joined, ...sessions];
}

function filterOf({ also = [], ...first }: PersonalData<Document>, references: PersonalReferences): Document {
  const filters = [first, ...also].map(({ field, refersTo }) => ({ [field]: { $in: references[refersTo] } }));
  return filters.length === 1 ? (filters[0] as Document) : { $or: filters };
}

/** The update that overwrites fields, and removes those that are undefined. */
function updateOf(fields: Document): Document {
  const removed = Object.keys(fields).filter((name) => fields[name] === undefined);
  const kept = Object.entries(fields).filter(([name]) => !removed.includes(name));
  return {
    $set: Object.fromEntries(kept),
    ...(removed.length > 0 && { $unset: Object.fromEntries(removed.map((name) => [name, ""])) }),
  };
}

function omit(document: object, fields: readonly string[]): unknown {
  return JSON.parse(
    JSON.stringify(Object.fromEntries(Object.entries(document).filter(([name]) => !fields.includes(name)))),
  );
}
