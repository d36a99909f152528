import { readdir, readFile } from "node:fs/promises";

/** A promise that must hold for concurrent requests, or when a dependency fails. */
export interface TestedPromise {
  promise: string;
  /** The section of the contract. */
  contract: string;
  /**
   * The code that keeps it: folder, file and function in `src/core`, such as `repositories/sessions.revoke`. The typed
   * client's files begin with `client/`, those of `src/entry` with `entry/`.
   */
  keptBy: string[];
  /** Titles of its tests by file, as in the source. */
  tests: Record<string, string[]>;
  /** The mutation that makes these tests fail; null if no code of Nest can be removed. */
  takeOut: TakenOut | null;
}

export interface TakenOut {
  /** An entry of `keptBy`. */
  from: string;
  /** Code that occurs there exactly once. */
  text: string;
  leave: string;
}

interface Promises {
  promises: TestedPromise[];
  /** Writes that need no promise, with the reason. Keys are patterns, in which `*` matches any part of a name. */
  plainWrites: Record<string, string>;
}

const ROOT = new URL("../../", import.meta.url);
const REPOSITORIES = "src/core/repositories/";
const WRITE = /\.(insertOne|insertMany|updateOne|updateMany|replaceOne|findOneAnd\w+|delete\w+|bulkWrite)\(/;

export async function readPromises(): Promise<Promises> {
  return JSON.parse(await readFile(new URL("./promises.json", import.meta.url), "utf8"));
}

export function fileOf(place: string): string {
  const file = `${place.slice(0, place.indexOf("."))}.ts`;
  if (file.startsWith("client/")) return file.replace("client/", "packages/client/src/");
  return file.startsWith("entry/") ? `src/${file}` : `src/core/${file}`;
}

const read = (path: string) => readFile(new URL(path, ROOT), "utf8").catch(() => "");

/** The source of a function, method or constant, from its name to its closing line; null if it is missing. */
export function textOf(source: string, name: string): string | null {
  const lines = source.split("\n");
  const start = lines.findIndex((line) =>
    new RegExp(`^ *(?:(?:export|async|const|function) )*${name}\\b`).test(line),
  );
  const first = lines[start];
  if (first === undefined) return null;
  const indent = first.length - first.trimStart().length;
  // The end is a line at the same indentation that opens no block. The end of a parameter list opens the body, so it
  // does not count.
  const isEnd = (line: string, number: number) =>
    !/[{([]$/.test(line) && (number === 0 || (line.search(/\S/) === indent && /^ *[}\])]/.test(line)));
  const length = lines.slice(start).findIndex(isEnd);
  return length < 0 ? null : lines.slice(start, start + length + 1).join("\n");
}

/** The code of a place. */
export async function codeAt(place: string): Promise<string | null> {
  return textOf(await read(fileOf(place)), place.slice(place.indexOf(".") + 1));
}

/** Every method of a repository that writes. */
async function writes(): Promise<string[]> {
  const files = (await readdir(new URL(REPOSITORIES, ROOT))).filter((file) => file !== "index_setup.ts");
  const places = files.map(async (file) => {
    const source = await read(`${REPOSITORIES}${file}`);
    const methods = [...source.matchAll(/^ {2}(?:async )?(\w+)\(/gm)].map(([, name = ""]) => name);
    const writing = methods.filter((name) => WRITE.test(textOf(source, name) ?? ""));
    return writing.map((name) => `repositories/${file.replace(".ts", "")}.${name}`);
  });
  return (await Promise.all(places)).flat();
}

/** The errors of promises.json: a write without a promise, a promise without a test, or a stale name. */
export async function problems(): Promise<string[]> {
  const { promises, plainWrites } = await readPromises();
  const found: string[] = [];
  const kept = new Set(promises.flatMap(({ keptBy }) => keptBy));
  const plain = Object.keys(plainWrites).map((name) => new RegExp(`^${name.replaceAll("*", "\\w+")}$`));
  const all = await writes();
  for (const place of all) {
    if (!kept.has(place) && !plain.some((name) => name.test(place)))
      found.push(`${place} writes, but no promise in tools/promises/promises.json names it`);
  }
  for (const place of kept) {
    if ((await codeAt(place)) === null) found.push(`${place} does not exist`);
  }
  for (const name of plain) {
    if (!all.some((place) => name.test(place))) found.push(`no write matches the pattern ${name.source}`);
  }
  for (const { promise, tests, takeOut } of promises) {
    if (Object.values(tests).flat().length === 0) found.push(`no test for "${promise}"`);
    for (const [file, names] of Object.entries(tests)) {
      const source = await read(file);
      for (const name of names) if (!source.includes(`${name}`)) found.push(`${file} has no test "${name}"`);
    }
    const times = takeOut && ((await codeAt(takeOut.from)) ?? "").split(takeOut.text).length - 1;
    if (times !== null && times !== 1)
      found.push(`"${takeOut?.text}" must occur once in ${takeOut?.from}, but occurs ${times} times`);
  }
  return found;
}
