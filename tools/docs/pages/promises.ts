import { problems, readPromises, type TestedPromise } from "#tests/promises/promises.ts";

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

/** @throws Error naming every write without a promise, promise without a test, and name that is stale */
export async function render() {
  const found = await problems();
  if (found.length > 0) throw new Error(found.join("\n"));
  const { promises, plainWrites } = await readPromises();
  return [
    "# Promises",
    "What must hold when many do the same thing at once, or when a part fails: where it is kept, which test races or " +
      "breaks it, and what `npm run test:promises` takes out of the code to see that test fail. The list is " +
      "`tests/promises/promises.json`. `npm run check` fails where a write to the database is not in it, a promise has " +
      "no test, or a test or a line of code that it names is gone.",
    {
      head: ["Contract", "Promise", "Kept by", "Tests", "Seen failing without"],
      rows: promises.map((each) => [
        each.contract,
        each.promise,
        each.keptBy.map(code).join("<br>"),
        testsOf(each),
        takenOut(each),
      ]),
    },
    "## Writes that decide nothing",
    {
      head: ["Write", "Why any number of them at once is harmless"],
      rows: Object.entries(plainWrites).map(([place, why]) => [code(place), why]),
    },
  ];
}
