/**
 * Takes every protection out of a copy of the code, one at a time, and looks whether its tests notice:
 * `npm run test:promises`, or with words of the promises that are wanted, `-- trial once`. With `--model` the model-based
 * test has to notice, and its shrunk history is shown. Ends with status 1 if one is not noticed.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { codeAt, fileOf, readPromises, type TakenOut } from "#tests/promises/promises.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import { run } from "#tools/machine/child_process.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COPIED = [
  "src",
  "packages",
  "tools",
  "tests",
  "docs",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
  ".env.example",
];
const MODEL_TEST = "tests/model/model.test.ts";
/** A model-based test finds most within seconds. */
const MODEL_SECONDS = "180";

interface Report {
  testResults: { assertionResults: { status: string; title: string; failureMessages: string[] }[] }[];
}

/** As a pattern that matches nothing else. */
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A copy of what the tests need. */
async function copyProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nest-promises-"));
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** @returns what the tests said, by test; empty if all passed */
async function failures(folder: string, mongoUri: string, file: string, names: string[]): Promise<string[]> {
  const output = join(folder, "report.json");
  const anyOf = names
    .map((name) =>
      name
        .split(/\$\{[^}]+\}|%s/)
        .map(escaped)
        .join(".*"),
    )
    .join("|");
  const args = ["run", file, "--reporter=json", `--outputFile=${output}`, "--testNamePattern", anyOf];
  const env = { ...process.env, MONGODB_URI: mongoUri, FAULTS_SECONDS: MODEL_SECONDS };
  await rm(output, { force: true });
  await run(join(ROOT, "node_modules/.bin/vitest"), args, { cwd: folder, env }).catch(() => undefined);
  const { testResults } = JSON.parse(await readFile(output, "utf8")) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  if (!results.some(({ status }) => status === "passed" || status === "failed"))
    throw new Error(`${file} has not run: a protection was taken out in a way that does not load`);
  return results
    .filter(({ status }) => status === "failed")
    .map(({ failureMessages }) => failureMessages[0] ?? "");
}

/** Takes it out, does the work, and puts it back. */
async function without<Result>(folder: string, out: TakenOut, work: () => Promise<Result>): Promise<Result> {
  const path = join(folder, fileOf(out.from));
  const whole = await readFile(path, "utf8");
  const part = (await codeAt(out.from)) ?? "";
  await writeFile(
    path,
    whole.replace(part, () => part.replace(out.text, () => out.leave)),
  );
  try {
    return await work();
  } finally {
    await writeFile(path, whole);
  }
}

const { values, positionals } = parseArgs({
  options: { model: { type: "boolean", default: false } },
  allowPositionals: true,
});
const { promises } = await readPromises();
const wanted = promises.filter(({ promise }) => positionals.every((word) => promise.includes(word)));
const folder = await copyProject();
const database = await findDatabase({ dataDirectory: null, say: (line) => console.log(line) });
let unnoticed = 0;
try {
  for (const { promise, takeOut, tests } of wanted) {
    if (takeOut === null) continue;
    const { from, text, leave } = takeOut;
    console.log(`\n${promise}\n  without \`${text.trim()}\` of ${from}${leave ? `, but \`${leave}\`` : ""}`);
    const files = values.model ? { [MODEL_TEST]: [""] } : tests;
    let unseen = false;
    const said = await without(folder, takeOut, async () => {
      const all: string[] = [];
      for (const [file, names] of Object.entries(files)) {
        const found = await failures(folder, database.uri, file, names);
        console.log(`  ${found.length > 0 ? "fails" : "PASSES"}: ${file}`);
        if (found.length === 0) unseen = true;
        all.push(...found);
      }
      return all;
    });
    if (unseen) unnoticed++;
    const lines = said.map((message) => (values.model ? message : (message.split("\n")[0] ?? "")));
    for (const line of lines) console.log(`    ${line.replaceAll("\n", "\n    ")}`);
  }
} finally {
  await database.stop();
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `\n${unnoticed} of ${wanted.length} protections can be taken out without each of its tests noticing.`,
);
if (unnoticed > 0) process.exitCode = 1;
