import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import {
  array,
  boolean,
  literal,
  nullable,
  number,
  optional,
  refine,
  safeParse,
  strictObject,
  string,
} from "zod/mini";
import { newId } from "#core/ids.ts";
import { openRepositories } from "#core/repositories/all.ts";
import type { NewsItem } from "#core/repositories/news_items.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, readTime, table } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";

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

/** `news list | add | schedule | end | remove`: the news items shown in the app. */
export function newsCommands(program: Command): void {
  const news = program.command("news").description("news items shown in the app");

  const list = news.command("list").description("lists every news item in display order");
  examples(list, ["news list", "news list --json"]);
  act(list, (terminal) =>
    onDatabase(terminal, async (database) => {
      const items = await openRepositories(database).newsItems.list();
      const rows = items.map(({ _id, primary, startsAt, endsAt, clientIds }) => [
        _id,
        primary.payload.title,
        startsAt,
        endsAt ?? "no end",
        clientIds?.join(" ") ?? "all clients",
      ]);
      terminal.show(
        items,
        rows.length > 0
          ? table([["item", "title", "from", "until", "for"], ...rows])
          : "There are no news items.",
      );
    }),
  );

  const add = news
    .command("add")
    .argument("<file.json>", "JSON with primary and optionally fallback, clientIds, startsAt, endsAt, order")
    .description("adds a news item; it is shown at once unless startsAt is later");
  examples(add, ["news add welcome.json"]);
  act(add, async (terminal, path: string) => {
    const item = await readItem(path);
    await onDatabase(terminal, (database) => openRepositories(database).newsItems.insert(item));
    terminal.show({ added: item._id }, `added ${item._id}`);
  });

  const schedule = news
    .command("schedule")
    .argument("<item>")
    .requiredOption("--from <time>", "the time from which it is shown")
    .option("--until <time>", "the time until which it is shown; without it, the item has no end")
    .description("sets when a news item is shown");
  examples(schedule, ["news schedule newsitem_2Jx... --from 2026-12-01 --until 2026-12-24T18:00:00Z"]);
  act(schedule, (terminal, id: string, { from, until }: { from: string; until?: string }) =>
    onDatabase(terminal, async (database) => {
      const startsAt = readTime(from).toISOString();
      const endsAt = until === undefined ? null : readTime(until).toISOString();
      if (endsAt !== null && endsAt <= startsAt)
        throw new CommandError("--until is not after --from. Nothing was changed.");
      const items = openRepositories(database).newsItems;
      if (!(await items.schedule(id, startsAt, endsAt, new Date().toISOString()))) throw missing(id);
      terminal.show(
        { id, startsAt, endsAt },
        `${id} is shown from ${startsAt}${endsAt ? ` until ${endsAt}` : ""}`,
      );
    }),
  );

  const end = news
    .command("end")
    .argument("<item>")
    .argument("[time]", "default: now")
    .description("ends a news item; it stays stored");
  examples(end, ["news end newsitem_2Jx...", "news end newsitem_2Jx... 2026-12-24T18:00:00Z"]);
  act(end, (terminal, id: string, at: string | undefined) =>
    onDatabase(terminal, async (database) => {
      const now = new Date();
      const endsAt = (at === undefined ? now : readTime(at)).toISOString();
      if (!(await openRepositories(database).newsItems.end(id, endsAt, now.toISOString()))) throw missing(id);
      terminal.show({ id, endsAt }, `ended ${id}`);
    }),
  );

  const remove = news.command("remove").argument("<item>").description("deletes a news item");
  examples(remove, ["news remove newsitem_2Jx..."]);
  act(remove, async (terminal, id: string) => {
    await terminal.confirm(`${id} will be deleted. \`news end\` would only hide it.`, id);
    await onDatabase(terminal, async (database) => {
      if (!(await openRepositories(database).newsItems.remove(id))) throw missing(id);
    });
    terminal.show({ removed: id }, `removed ${id}`);
  });
}

const missing = (id: string) => new CommandError(`No news item ${id}. List them with \`news list\`.`);

async function readItem(path: string): Promise<NewsItem> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new CommandError(`${path} can't be read.`);
  });
  const parsed = safeParse(newsFile, parseJson(text));
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path: at }) => at.join(".") || "the whole file").join(", ");
    throw new CommandError(`${path} is not a valid news item. Invalid: ${wrong}.`);
  }
  const { primary, fallback = null, clientIds = null, startsAt, endsAt, order = 0 } = parsed.data;
  const now = new Date().toISOString();
  return {
    _id: newId("newsItem"),
    ...{ primary, fallback, clientIds, order },
    startsAt: iso(startsAt ?? now),
    endsAt: endsAt ? iso(endsAt) : null,
    createdAt: now,
    updatedAt: null,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
