import type { Db, IndexDescription } from "mongodb";

/** Every value by which stored documents refer to one user. */
export interface PersonalReferences {
  /** The user's own id. */
  userIds: readonly string[];
  /** The accounts of which the user is or was a member. */
  accountIds: readonly string[];
  sessionIds: readonly string[];
  /** Normalized email addresses and phone numbers. */
  addresses: readonly string[];
}

/** A field that refers to a user. It needs an index. */
export interface PersonalField<Stored> {
  /** A field, or a path within one, such as `removal.userId`. */
  field: (keyof Stored & string) | `${keyof Stored & string}.${string}`;
  /** What the field holds. */
  refersTo: keyof PersonalReferences;
}

/** Where one user's documents are in a collection, and how they are exported and erased. */
export interface PersonalData<Stored> extends PersonalField<Stored> {
  /** Other fields that refer to the user. */
  also?: readonly PersonalField<Stored>[];
  /** Fields that an export leaves out: hashes, salts and dates of our own bookkeeping. */
  withheld: readonly (keyof Stored & string)[];
  /** True where an erasure removes the documents before all others, because new personal data can arise from them. */
  isErasedFirst?: true;
  /**
   * Makes a document anonymous instead of removing it. Absent if an erasure removes the documents.
   * @param erasureId a new id, which takes the place of the user's id and address
   * @returns the fields to overwrite; a field that is undefined is removed
   */
  anonymize?(erasureId: string, now: string): Partial<Stored>;
  /** Never set. It exists only for its type, from which `Account` is derived. */
  document?: Stored;
}

/** What a repository class declares. The classes are listed in `all.ts`. */
export type RepositoryClass = {
  new (database: Db): object;
  readonly collectionName: string;
  readonly indexes: readonly IndexDescription[];
  /** Null where no document names a user. */
  // biome-ignore lint/suspicious/noExplicitAny: the document's type differs from class to class
  readonly personalData: PersonalData<any> | null;
  /** False for a collection that a dump leaves out. */
  readonly isDumped?: boolean;
};
