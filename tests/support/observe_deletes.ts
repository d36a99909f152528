import type { Collection, Db, Document } from "mongodb";

/** A database that calls `note` before it deletes from a collection. */
export function observeDeletes(database: Db, note: (collection: string) => Promise<void>): Db {
  const observed = (collection: Collection): Collection =>
    new Proxy(collection, {
      get(target, property) {
        const value = Reflect.get(target, property, target);
        if (property !== "deleteMany") return typeof value === "function" ? value.bind(target) : value;
        return async (filter: Document) => {
          await note(target.collectionName);
          return target.deleteMany(filter);
        };
      },
    });
  return new Proxy(database, {
    get(target, property) {
      if (property === "collection") return (name: string) => observed(target.collection(name));
      return Reflect.get(target, property, target);
    },
  });
}
