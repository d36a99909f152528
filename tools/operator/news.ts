import type { Command } from "commander";
import { openRepositories } from "#core/repositories/all.ts";
import { NEWS_EXAMPLE, readNewsFile } from "#tools/operator/news_file.ts";
import { onDatabase } from "#tools/operator/on_database.ts";
import { act, examples, readTime } from "#tools/terminal/command.ts";
import { CommandError } from "#tools/terminal/errors.ts";
import { table } from "#tools/terminal/table.ts";

/** `news list | example | add | schedule | end | remove`: the news items shown in the app. */
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
        rows.length > 0 ? table(rows, ["item", "title", "from", "until", "for"]) : "There are no news items.",
      );
    }),
  );

  const example = news
    .command("example")
    .description("prints the file of a news item, to change and to pass to `news add`");
  examples(example, ["news example"]);
  act(example, async (terminal) => terminal.print(JSON.stringify(NEWS_EXAMPLE, null, 2)));

  const add = news
    .command("add")
    .argument("<file.json>", "JSON with primary and optionally fallback, clientIds, startsAt, endsAt, order")
    .description("adds a news item; it is shown at once unless startsAt is later");
  examples(add, ["news add welcome.json"]);
  act(add, async (terminal, path: string) => {
    const item = await readNewsFile(path);
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
