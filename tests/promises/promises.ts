import { readdir, readFile } from "node:fs/promises";

/** Something that must hold when many do it at once, or when a part fails. */
export interface TestedPromise {
  promise: string;
  /** The section of the contract. */
  contract: string;
  /** Where it is kept: room, file and function, such as `repositories/sessions.revoke`. */
  keptBy: string[];
  /** Names of tests by file, as they are written there. */
  tests: Record<string, string[]>;
  /** What is taken out of the code to see those tests fail; null where nothing of ours can be. */
  takeOut: TakenOut | null;
}

export interface TakenOut {
  /** One of the places. */
  from: string;
  /** Found there exactly once. */
  text: string;
  leave: string;
}

interface Promises {
  promises: TestedPromise[];
  /** Writes that decide nothing, and why; by patterns, in which `*` stands for any part of a name. */
  plainWrites: Record<string, string>;
}

const ROOT = new URL("../../", import.meta.url);
const REPOSITORIES = "src/core/repositories/";
const WRITE =
  /\.(insertOne|insertMany|updateOne|updateMany|replaceOne|findOneAnd\w+|delete\w+)\(|writeInOrder\(|new RateLimiterMongo\(/;

export async function readPromises(): Promise<Promises> {
  return JSON.parse(await readFile(new URL("./promises.json", import.meta.url), "utf8"));
}

export function fileOf(place: string): string {
  return `src/core/${place.slice(0, place.indexOf("."))}.ts`;
}

const read = (path: string) => readFile(new URL(path, ROOT), "utf8").catch(() => "");

/** A function, method or constant as it is written, from its name to the line that closes it; null if it is not there. */
export function textOf(source: string, name: string): string | null {
  const lines = source.split("\n");
  const start = lines.findIndex((line) =>
    new RegExp(`^ *(?:(?:export|async|const|function) )*${name}\\b`).test(line),
  );
  const first = lines[start];
  if (first === undefined) return null;
  const indent = first.length - first.trimStart().length;
  // A line of the same depth that opens nothing again: what ends a list of parameters opens the body.
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

/** Whatever is wrong with the list: a write that nobody promises anything of, a promise without a test, a stale name. */
export async function problems(): Promise<string[]> {
  const { promises, plainWrites } = await readPromises();
  const found: string[] = [];
  const kept = new Set(promises.flatMap(({ keptBy }) => keptBy));
  const plain = Object.keys(plainWrites).map((name) => new RegExp(`^${name.replaceAll("*", "\\w+")}$`));
  const all = await writes();
  for (const place of all) {
    if (!kept.has(place) && !plain.some((name) => name.test(place)))
      found.push(`${place} writes, and no promise of tests/promises/promises.json names it`);
  }
  for (const place of kept) {
    if ((await codeAt(place)) === null) found.push(`there is no ${place}`);
  }
  for (const name of plain) {
    if (!all.some((place) => name.test(place))) found.push(`nothing of that name writes: ${name.source}`);
  }
  for (const { promise, tests, takeOut } of promises) {
    if (Object.values(tests).flat().length === 0) found.push(`no test for "${promise}"`);
    for (const [file, names] of Object.entries(tests)) {
      const source = await read(file);
      for (const name of names) if (!source.includes(`${name}`)) found.push(`${file} has no test "${name}"`);
    }
    const times = takeOut && ((await codeAt(takeOut.from)) ?? "").split(takeOut.text).length - 1;
    if (times !== null && times !== 1)
      found.push(`${takeOut?.from} should have "${takeOut?.text}" once, and has it ${times} times`);
  }
  return found;
}
