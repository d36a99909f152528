import type { Core } from "#core/core.ts";
import type { NewsItem } from "#core/repositories/news_items.ts";

/** How long a copy is used. News items are edited by hand and rarely. */
const FRESH_MS = 60_000;

/** Serves the current news items from a copy that is at most a minute old. */
export class NewsBoard {
  #copy: { items: NewsItem[]; readAt: number } | null = null;

  /** Lists the news items that are currently shown to a client, in their order. */
  async list(core: Pick<Core, "newsItems" | "clock">, clientId: string): Promise<NewsItem[]> {
    const now = core.clock.now();
    if (!this.#copy || Math.abs(now.getTime() - this.#copy.readAt) >= FRESH_MS) {
      this.#copy = { items: await core.newsItems.list(), readAt: now.getTime() };
    }
    const time = now.toISOString();
    return this.#copy.items.filter(
      (item) =>
        item.startsAt <= time &&
        (item.endsAt === null || item.endsAt > time) &&
        (item.clientIds === null || item.clientIds.includes(clientId)),
    );
  }
}
