/**
 * `npm run news -- list | add <file.json> | end <id> [ISO time] | remove <id>`: the news items that the app shows.
 * Needs MONGODB_URI. A file holds `primary`, and optionally `fallback`, `clientIds`, `startsAt`, `endsAt`, `order`.
 */
import { readFile } from "node:fs/promises";
import {
  array,
  boolean,
  literal,
  nullable,
  number,
  optional,
  parse,
  refine,
  strictObject,
  string,
} from "zod/mini";
import { newId } from "#core/ids.ts";
import { NewsItemRepository } from "#core/repositories/news_items.ts";
import { onDatabase } from "#local/database/on_database.ts";

const time = string().check(refine((value) => !Number.isNaN(Date.parse(value))));
const words = string();
const banner = strictObject({
  code: literal("generic_banner"),
  dismissible: boolean(),
  payload: strictObject({
    emoji: words,
    title: words,
    body: words,
    action: nullable(
      strictObject({ cta: words, url: words.check(refine((value) => /^https:\/\//.test(value))) }),
    ),
  }),
});
const newsFile = strictObject({
  primary: banner,
  fallback: optional(nullable(banner)),
  clientIds: optional(nullable(array(words))),
  startsAt: optional(time),
  endsAt: optional(nullable(time)),
  order: optional(number()),
});

const iso = (value: string) => new Date(value).toISOString();

async function run(items: NewsItemRepository, [action, subject, at]: string[]): Promise<string> {
  const now = new Date().toISOString();
  if (action === "list") return JSON.stringify(await items.list(), null, 2);
  if (subject === undefined) throw new Error("Say list, add <file>, end <id> [time] or remove <id>.");
  if (action === "add") {
    const file = parse(newsFile, JSON.parse(await readFile(subject, "utf8")));
    const _id = newId("newsItem");
    await items.insert({
      _id,
      primary: file.primary,
      fallback: file.fallback ?? null,
      clientIds: file.clientIds ?? null,
      startsAt: iso(file.startsAt ?? now),
      endsAt: file.endsAt ? iso(file.endsAt) : null,
      order: file.order ?? 0,
      createdAt: now,
      updatedAt: null,
    });
    return `added ${_id}`;
  }
  if (action === "end" && (await items.end(subject, iso(at ?? now), now))) return `ended ${subject}`;
  if (action === "remove" && (await items.remove(subject))) return `removed ${subject}`;
  throw new Error(`There is no news item ${subject}, or no such action.`);
}

await onDatabase(async (database) => {
  console.log(await run(new NewsItemRepository(database), process.argv.slice(2)));
});
