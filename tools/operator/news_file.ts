import { readFile } from "node:fs/promises";
import {
  findNodeAtLocation,
  type JSONPath,
  type Node,
  type ParseError,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { core } from "zod";
import { en } from "zod/locales";
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
import app from "#app";
import { newId } from "#core/ids.ts";
import type { NewsItem } from "#core/repositories/news_items.ts";
import { CommandError } from "#tools/terminal/errors.ts";

const time = string().check(
  refine((value) => !Number.isNaN(Date.parse(value)), "write a time as 2026-01-31T12:00:00Z"),
);
const url = string().check(refine((value) => /^https:\/\//.test(value), "must begin with https://"));
const words = string();
const banner = strictObject({
  code: literal("generic_banner"),
  dismissible: boolean(),
  payload: strictObject({
    emoji: words,
    title: words,
    body: words,
    action: nullable(strictObject({ cta: words, url })),
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

/** A file of a news item, to copy and change. */
export const NEWS_EXAMPLE = {
  primary: {
    code: "generic_banner",
    dismissible: true,
    payload: {
      emoji: "🎉",
      title: "Version 2 is here",
      body: "Faster, and with dark mode.",
      action: { cta: "Read more", url: "https://example.com/blog/version-2" },
    },
  },
  fallback: null,
  clientIds: null,
  startsAt: "2026-12-01T09:00:00Z",
  endsAt: "2026-12-24T18:00:00Z",
  order: 0,
};

const REMEDY = "Nothing was changed. `news example` prints a valid file.";

const iso = (value: string) => new Date(value).toISOString();

/**
 * Reads a news item from a JSON file.
 * @throws CommandError naming line, column and field of everything that is wrong
 */
export async function readNewsFile(path: string): Promise<NewsItem> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new CommandError(`${path} can't be read.`);
  });
  const parsed = safeParse(newsFile, parseJson(path, text), { error: en().localeError });
  const refuse = (problems: readonly Problem[]) => {
    const tree = parseTree(text);
    const lines = problems.map(
      ({ at, field, rule }) =>
        `${path}:${positionOf(text, tree, at)}: ${field.join(".") || "the file"}: ${rule}.`,
    );
    return new CommandError([...lines, REMEDY].join("\n"));
  };
  if (!parsed.success) throw refuse(parsed.error.issues.map(problemOf));
  const { primary, fallback = null, clientIds = null, startsAt, endsAt, order = 0 } = parsed.data;
  const now = new Date().toISOString();
  const item: NewsItem = {
    _id: newId("newsItem"),
    ...{ primary, fallback, clientIds, order },
    startsAt: iso(startsAt ?? now),
    endsAt: endsAt ? iso(endsAt) : null,
    createdAt: now,
    updatedAt: null,
  };
  const problems = reasonsNotShown(item);
  if (problems.length > 0) throw refuse(problems);
  return item;
}

interface Problem {
  /** The path of what is wrong, for its line and column. */
  at: PropertyKey[];
  /** The path that the message names. */
  field: PropertyKey[];
  rule: string;
}

function problemOf(issue: core.$ZodIssue): Problem {
  const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const rule = issue.message
    .replace(/^Invalid input: expected (.*), received undefined$/, "is missing, and must be of type $1")
    .replace(/^Invalid input: expected (.*), received (.*)$/, "must be of type $1, not $2")
    .replace(/^Invalid input: expected (".*")$/, "must be $1")
    .replace(/^Unrecognized key/, "unknown field");
  return { at: [...issue.path, ...unknown], field: issue.path, rule };
}

/** Why nobody would ever see an item. */
function reasonsNotShown({ clientIds, startsAt, endsAt }: NewsItem): Problem[] {
  const unknown = [...(clientIds ?? []).entries()].filter(
    ([, id]) => !app.clients.some((one) => one.id === id),
  );
  const problems = unknown.map(([index, id]) => ({
    path: ["clientIds", index],
    rule: `the app has no client ${JSON.stringify(id)}; \`clients list\` lists its clients`,
  }));
  if (endsAt !== null && endsAt <= startsAt)
    problems.push({ path: ["endsAt"], rule: `must be after startsAt, ${startsAt}` });
  return problems.map(({ path, rule }) => ({ at: path, field: path, rule }));
}

function parseJson(path: string, text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { disallowComments: true });
  const [error] = errors;
  if (!error) return value;
  throw new CommandError(
    `${path}:${lineAndColumn(text, error.offset)}: not JSON: ${wordsOf(error)}. ${REMEDY}`,
  );
}

/** Such as `comma expected` for `CommaExpected`. */
const wordsOf = ({ error }: ParseError) =>
  printParseErrorCode(error)
    .replace(/(?!^)[A-Z]/g, " $&")
    .toLowerCase();

/** The position of a field, or of its nearest parent if the field is missing. */
function positionOf(text: string, tree: Node | undefined, path: readonly PropertyKey[]): string {
  const node = tree && findNodeAtLocation(tree, path as JSONPath);
  if (node) return lineAndColumn(text, node.offset);
  return path.length === 0 ? "1:1" : positionOf(text, tree, path.slice(0, -1));
}

function lineAndColumn(text: string, offset: number): string {
  const lines = text.slice(0, offset).split("\n");
  return `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}`;
}
