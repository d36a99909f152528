import { problems, readPromises, type TestedPromise } from "#tools/promises/promises.ts";

export const path = "docs/promises.md";

const code = (text: string) => `\`${text}\``;

function testsOf({ tests }: TestedPromise): string {
  return Object.entries(tests)
    .map(([file, names]) => `${code(file)}: ${names.join("; ")}`)
    .join("<br>");
}

function takenOut({ takeOut }: TestedPromise): string {
  if (takeOut === null) return "";
  const name = takeOut.from.slice(takeOut.from.indexOf(".") + 1);
  return `${code(takeOut.text.trim())} of ${code(name)}${takeOut.leave ? `, for ${code(takeOut.leave)}` : ""}`;
}

/** @throws Error that lists every write without a promise, every promise without a test and every stale name */
export async function render() {
  const found = await problems();
  if (found.length > 0) throw new Error(found.join("\n"));
  const { promises, plainWrites } = await readPromises();
  return [
    "# Promises",
    "The guarantees that hold when requests race or a dependency fails, for developers who change code that writes. For " +
      "each: the code that keeps it, the tests that race or break it, and the code that the mutation test " +
      "(`npm run test:promises`) removes to see those tests fail. The source is `tools/promises/promises.json`. " +
      "`npm run check` fails if a database write is missing from it, if a promise has no test, or if a test or a line of " +
      "code that it names no longer exists.",
    {
      head: ["Contract", "Promise", "Kept by", "Tests", "Tests fail without"],
      rows: promises.map((each) => [
        each.contract,
        each.promise,
        each.keptBy.map(code).join("<br>"),
        testsOf(each),
        takenOut(each),
      ]),
    },
    "## Writes without a race",
    {
      head: ["Write", "Why concurrent calls are harmless"],
      rows: Object.entries(plainWrites).map(([place, why]) => [code(place), why]),
    },
    "Next: [faults](faults.md), [threats](security/threats.md).",
  ];
}
