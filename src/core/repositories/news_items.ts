import type { Collection, Db, IndexDescription } from "mongodb";

/** The only kind of banner that the app shows (contract G). */
export interface Banner {
  code: "generic_banner";
  dismissible: boolean;
  payload: { emoji: string; title: string; body: string; action: { cta: string; url: string } | null };
}

export interface NewsItem {
  /** newsitem_<ksuid> */
  _id: string;
  primary: Banner;
  fallback: Banner | null;
  /** The clients that show it; null for all clients. */
  clientIds: string[] | null;
  startsAt: string;
  endsAt: string | null;
  /** Lower comes first. */
  order: number;
  createdAt: string;
  updatedAt: string | null;
}

const newsItemIndexes: IndexDescription[] = [{ key: { order: 1, startsAt: 1 } }];

export class NewsItemRepository {
  static readonly collectionName = "news-items";
  static readonly indexes = newsItemIndexes;
  static readonly personalData = null;
  readonly #collection: Collection<NewsItem>;
  constructor(database: Db) {
    this.#collection = database.collection(NewsItemRepository.collectionName);
  }

  /** Lists the items in the order in which they are shown. Editors write them by hand, so there are few. */
  list(): Promise<NewsItem[]> {
    return this.#collection.find().sort({ order: 1, startsAt: 1, _id: 1 }).limit(200).toArray();
  }

  async insert(item: NewsItem): Promise<void> {
    await this.#collection.insertOne(item);
  }

  /** Sets the end of an item. @returns false if it does not exist */
  async end(id: string, at: string, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne({ _id: id }, { $set: { endsAt: at, updatedAt: now } });
    return result.matchedCount === 1;
  }

  /** Removes an item. @returns false if it does not exist */
  async remove(id: string): Promise<boolean> {
    return (await this.#collection.deleteOne({ _id: id })).deletedCount === 1;
  }

  /** Sets the start and the end of an item. @returns false if it does not exist */
  async schedule(id: string, startsAt: string, endsAt: string | null, now: string): Promise<boolean> {
    const result = await this.#collection.updateOne(
      { _id: id },
      { $set: { startsAt, endsAt, updatedAt: now } },
    );
    return result.matchedCount === 1;
  }
}
