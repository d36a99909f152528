/**
 * Mutation test: `npm run test:promises`. Removes the code that keeps each promise from a copy of the project, one promise
 * at a time, and expects the promise's tests to fail. Arguments select promises by words, such as `-- trial once`. With
 * `--model` the model-based suite must fail instead, and its shrunk history is printed. Exits with status 1 if a mutation
 * is not detected.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findDatabase } from "#tools/local/database/find_database.ts";
import { run } from "#tools/machine/child_process.ts";
import { codeAt, fileOf, readPromises, type TakenOut } from "#tools/promises/promises.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COPIED = [
  "app",
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
/** The model-based suite detects most mutations within seconds. */
const MODEL_SECONDS = "180";
/** Few random billing histories detect some mutations of money rules. */
const HISTORIES = "1000";

interface Report {
  testResults: { assertionResults: { status: string; title: string; failureMessages: string[] }[] }[];
}

/** A pattern that matches only this text. */
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Copies the files that the tests need. */
async function copyProject(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nest-promises-"));
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Runs tests in the copy. @returns the messages of failed tests; empty if all passed */
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
  const env = {
    ...process.env,
    MONGODB_URI: mongoUri,
    FAULTS_SECONDS: MODEL_SECONDS,
    FAULTS_RUNS: HISTORIES,
    FAULTS_SHRINK: "no",
  };
  await rm(output, { force: true });
  await run(join(ROOT, "node_modules/.bin/vitest"), args, { cwd: folder, env }).catch(() => undefined);
  const { testResults } = JSON.parse(await readFile(output, "utf8")) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  if (!results.some(({ status }) => status === "passed" || status === "failed"))
    throw new Error(`${file} did not run: the mutated code does not load.`);
  return results
    .filter(({ status }) => status === "failed")
    .map(({ failureMessages }) => failureMessages[0] ?? "");
}

/** Applies a mutation, runs the work, and restores the file. */
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
let undetected = 0;
try {
  for (const { promise, takeOut, tests } of wanted) {
    if (takeOut === null) continue;
    const { from, text, leave } = takeOut;
    console.log(
      `\n${promise}\n  Mutation of ${from}: \`${text.trim()}\` ${leave ? `becomes \`${leave}\`` : "is removed"}`,
    );
    const files = values.model ? { [MODEL_TEST]: [""] } : tests;
    let hasSurvived = false;
    const messages = await without(folder, takeOut, async () => {
      const all: string[] = [];
      for (const [file, names] of Object.entries(files)) {
        const start = Date.now();
        const found = await failures(folder, database.uri, file, names);
        const seconds = Math.round((Date.now() - start) / 1000);
        console.log(`  ${found.length > 0 ? "detected" : "NOT DETECTED"} by ${file} in ${seconds} s`);
        if (found.length === 0) hasSurvived = true;
        all.push(...found);
      }
      return all;
    });
    if (hasSurvived) undetected++;
    const lines = messages.map((message) => (values.model ? message : (message.split("\n")[0] ?? "")));
    for (const line of lines) console.log(`    ${line.replaceAll("\n", "\n    ")}`);
  }
} finally {
  await database.stop();
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `\n${wanted.length - undetected} of ${wanted.length} mutations were detected by each of their tests.`,
);
if (undetected > 0) process.exitCode = 1;
