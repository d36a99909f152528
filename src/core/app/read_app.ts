import { safeParse } from "zod/mini";
import type { App } from "#core/app/app.ts";
import type { AppProblem } from "#core/app/app_problem.ts";
import { checkApp } from "#core/app/app_rules.ts";
import { appSchema } from "#core/app/app_schema.ts";

type Path = readonly PropertyKey[];

/** More problems than this usually have one cause, such as a loop that creates plans. */
const MOST_LINES = 50;

/** An app file can't be used. The message lists the problems with the paths of their fields. */
export class AppError extends Error {
  constructor(file: string, problems: readonly string[]) {
    const lines = problems.slice(0, MOST_LINES);
    if (problems.length > MOST_LINES) lines.push(`and ${problems.length - MOST_LINES} more.`);
    super(`${file} can't be used:\n${lines.map((line) => `  ${line}`).join("\n")}`);
    this.name = "AppError";
  }
}

/**
 * Checks the settings of an app and fills in the defaults.
 * @param file named in the error
 * @throws AppError that lists every wrong field, its rule and how to correct it
 */
export function readApp(settings: unknown, file: string): App {
  if (!isObject(settings))
    throw new AppError(file, [
      "default export: must be what defineApp({...}) returns. Add `export default`.",
    ]);
  const parsed = safeParse(appSchema, settings);
  if (!parsed.success) {
    const problems = firstOfEachField(parsed.error.issues as Issue[]).flatMap((issue) =>
      explain(issue, settings),
    );
    throw new AppError(file, linesOf(problems, settings));
  }
  const [locale] = parsed.data.locales;
  const app: App = {
    ...parsed.data,
    clients: parsed.data.clients.map((client) => ({ ...client, locale: client.locale ?? locale })),
  };
  const problems = checkApp(app);
  if (problems.length > 0) throw new AppError(file, linesOf(problems, settings));
  return app;
}

const UNKNOWN = "unrecognized_keys";

interface Issue {
  code: string;
  path: Path;
  message: string;
  expected?: string;
  keys?: string[];
  values?: unknown[];
}

/** Keeps the first problem of each field: a value of the wrong form also breaks rules about its content. */
function firstOfEachField(issues: readonly Issue[]): Issue[] {
  const seen = new Set<string>();
  return issues.filter(({ code, path }) => {
    const field = nameOf(path);
    if (code === UNKNOWN || !seen.has(field)) return seen.add(field);
    return false;
  });
}

function explain({ code, path, message, expected, keys, values }: Issue, settings: object): AppProblem[] {
  const value = valueAt(settings, path);
  if (code === UNKNOWN)
    return (keys ?? []).map((key) => ({
      path: [...path, key],
      rule: "is not a field of an app. Correct its name, or remove it",
    }));
  if (value === undefined) return [{ path, rule: "is missing" }];
  if (code === "invalid_type")
    return [{ path, rule: `must be ${withArticle(expected)}, not ${kindOf(value)}` }];
  if (code === "invalid_value")
    return [{ path, rule: `is ${quote(value)}, but must be one of ${values?.join(", ")}` }];
  return [{ path, rule: `is ${quote(value)}, but ${message}` }];
}

/** One line for each problem. A value that stands for every stage is named once. */
function linesOf(problems: readonly AppProblem[], settings: object): string[] {
  const lines = problems.map(({ path, rule }) => {
    let field = path;
    // The schema copies one value to every stage, so the path of a problem may contain a stage that the file does not have.
    while (field.length > 1 && !isObject(valueAt(settings, field.slice(0, -1)))) {
      if (valueAt(settings, field.slice(0, -1)) === undefined) break;
      field = field.slice(0, -1);
    }
    return `${nameOf(field)} ${rule}.`;
  });
  return [...new Set(lines)];
}

/** @returns such as `clients[0].redirectUris[1]` */
function nameOf(path: Path): string {
  return path.reduce<string>(
    (name, part) =>
      typeof part === "number" ? `${name}[${part}]` : name ? `${name}.${String(part)}` : String(part),
    "",
  );
}

function valueAt(settings: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (isObject(value) ? (value as Record<PropertyKey, unknown>)[part] : value),
    settings,
  );
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** Formats a value for a message, even if JSON can't represent it. */
function quote(value: unknown): string {
  try {
    if (typeof value === "string" || typeof value === "object") return JSON.stringify(value);
  } catch {
    return "an object that contains itself";
  }
  return String(value);
}
const withArticle = (kind = "another type") => (/^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`);
const kindOf = (value: unknown) =>
  typeof value === "number" && !Number.isFinite(value)
    ? String(value)
    : value === null
      ? "null"
      : Array.isArray(value)
        ? "an array"
        : withArticle(typeof value);
