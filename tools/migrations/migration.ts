import type { Db } from "mongodb";

/**
 * A change to stored documents. It must be safe to repeat, to interrupt and to run while the service and the release
 * before it serve. What is pending is read from the documents, so a restored dump is migrated like any other database.
 */
export interface Migration {
  name: string;
  /** One sentence for the operator. */
  what: string;
  /**
   * Without a required migration, this release misreads old documents, so a deployment and an import wait for it. Another
   * migration saves space, or writes what this release completes by itself, and the previous release may go on writing
   * documents that it would change.
   */
  isRequired: boolean;
  /** Counts the documents that `apply` would change. It writes nothing. */
  pending(database: Db): Promise<number>;
  /** @returns how many documents it changed */
  apply(database: Db): Promise<number>;
}
