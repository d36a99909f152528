import { readdir, readFile } from "node:fs/promises";
import { sep } from "node:path";
import type { CoverageRow } from "#tools/docs/features/row.ts";

const TESTS = new URL("../../../tests/", import.meta.url);

/** The ids at the beginning of a test's name, such as `A14, A22: registers`. */
const IDS = /^((?:[ABP]\d\d, )*[ABP]\d\d): /;

/** A test that a row names. */
export interface ShownBy {
  /** From the root of the repository. */
  file: string;
  name: string;
}

/** Returns the name of every test, by its file below `tests`. */
async function readNames(): Promise<Map<string, string[]>> {
  const files = (await readdir(TESTS, { recursive: true }))
    .map((file) => file.replaceAll(sep, "/"))
    .filter((file) => file.endsWith(".test.ts"))
    .sort();
  const texts = await Promise.all(files.map((file) => readFile(new URL(file, TESTS), "utf8")));
  return new Map(files.map((file, index) => [file, namesIn(texts[index] ?? "")]));
}

/** A name follows the bracket of `test(` or of `test.each(...)(`, on its line or the next. */
const namesIn = (source: string): string[] =>
  [...source.matchAll(/\(\s*"((?:[^"\\]|\\.)+)",?/g)].map(([, name = ""]) => name.replaceAll('\\"', '"'));

/**
 * Finds the tests of each row: those whose names begin with its id, and those that it names.
 * @throws Error that lists every named test that does not exist, and every id of a test that no row has
 */
export async function findTests(rows: readonly CoverageRow[]): Promise<Map<CoverageRow, ShownBy[]>> {
  const names = await readNames();
  const all = [...names].flatMap(([file, own]) => own.map((name) => ({ file: `tests/${file}`, name })));
  const idsOf = ({ name }: ShownBy) => IDS.exec(name)?.[1]?.split(", ") ?? [];
  const known = new Set(rows.map(({ id }) => id));
  const problems = all.flatMap((test) =>
    idsOf(test)
      .filter((id) => !known.has(id))
      .map((id) => `${test.file}: "${test.name}" names ${id}, which is no row.`),
  );
  const found = rows.map((each): [CoverageRow, ShownBy[]] => {
    const named = each.tests.map(([file, beginning]) => {
      const name = names.get(file)?.find((one) => one.startsWith(beginning));
      if (name === undefined) problems.push(`${each.id}: tests/${file} has no test "${beginning}...".`);
      return { file: `tests/${file}`, name: name ?? beginning };
    });
    const unique = new Map(
      [...all.filter((test) => idsOf(test).includes(each.id)), ...named].map((test) => [
        `${test.file} ${test.name}`,
        test,
      ]),
    );
    return [each, [...unique.values()]];
  });
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return new Map(found);
}
